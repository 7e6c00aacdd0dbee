/** Any thrown thing → what to print and what to exit with. Used once, by main.ts. */
import { KartaError, type ErrorBody, type Issue } from "../shared/errors.ts";
import { CLI_EXIT, exitCodeFor } from "../shared/exit-codes.ts";
import { CliError } from "./client/errors.ts";
import { harmless, oneLine } from "./render/harmless.ts";
import { issueLines } from "./render/project.ts";

export interface Failure {
  readonly exitCode: number;
  /** The JSON form, on stdout with `--json`. */
  readonly body: ErrorBody;
  /** The form for people, on stderr without it. */
  readonly lines: readonly string[];
}

/** Reads what was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof KartaError) return told(error, exitCodeFor(error));
  if (error instanceof CliError) return told(error, error.exitCode);
  const detail = error instanceof Error ? error.message : String(error);
  const usage = usageExit(error);
  const code = usage === null ? "failed" : "bad_usage";
  return {
    exitCode: usage ?? CLI_EXIT.failed,
    body: { error: code, detail },
    lines: [`error: ${harmless(detail)}`],
  };
}

interface Told {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly issues: readonly Issue[];
  toBody(): ErrorBody;
}

function told(error: Told, exitCode: number): Failure {
  return {
    exitCode,
    body: error.toBody(),
    lines: [`error: ${harmless(error.message)}`, ...issueLines(error.issues), ...listLines(error.fields)],
  };
}

/** Fields that list what there is to choose from: `known`, `projects`, `candidates`. */
function listLines(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    Array.isArray(value) && value.length > 0
      ? [`  ${oneLine(name)}: ${value.map((item) => oneLine(String(item))).join(", ")}`]
      : [],
  );
}

/** oclif's own errors are all about flags, arguments and command names; they carry the exit code they want. */
function usageExit(error: unknown): number | null {
  if (!(error instanceof Error) || !("oclif" in error)) return null;
  const { oclif } = error;
  if (typeof oclif !== "object" || oclif === null || !("exit" in oclif)) return CLI_EXIT.bad_usage;
  return typeof oclif.exit === "number" ? oclif.exit : CLI_EXIT.bad_usage;
}
