/** What reading a project turns up, collected so that all of it is told at once. */
import type { Issue, KartaError } from "../../shared/errors.ts";

/** Owner: one `readProject`. */
export class Findings {
  /** Any of these stops a registration. */
  readonly issues: Issue[] = [];
  /** These never do. */
  readonly warnings: Issue[] = [];

  /** `path` names the file, and the place or key in it: `karta.toml:3:7`, `karta.toml: pool.spares`. */
  refuse(path: string, message: string): void {
    this.issues.push({ path, message });
  }

  warn(path: string, message: string): void {
    this.warnings.push({ path, message });
  }
}

/** An error in one line. */
export function summaryOf(error: KartaError): string {
  if (error.issues.length === 0) return error.message;
  return error.issues.map((issue) => `${issue.path}: ${issue.message}`).join("; ");
}
