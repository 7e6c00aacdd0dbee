/** Runs systemctl and its like: no shell, arguments as they are, output as text. */
import { execFile } from "node:child_process";
import { CliError } from "../client/errors.ts";

/** `systemctl stop` waits for kartad's drain; half an hour is over any that is set sensibly. */
const TIMEOUT_MS = 30 * 60 * 1000;

export interface Ran {
  /** Null: the program is not there, or was ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  /** What it said on standard error; for a program that is not there, that. */
  readonly stderr: string;
}

/** Never rejects: how it ended is data. */
export function tryRun(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, maxBuffer: 4 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      const said = stderr.trim() === "" && error !== null && code === null ? error.message : stderr.trim();
      resolve({ code, stdout, stderr: said });
    });
  });
}

/**
 * @param next what to do when it fails
 * @throws CliError `service_failed` with what it said
 */
export async function runOrSay(program: string, args: readonly string[], next: string): Promise<string> {
  const { code, stdout, stderr } = await tryRun(program, args);
  if (code === 0) return stdout;
  const command = [program, ...args].join(" ");
  const said = stderr === "" ? `it exited with ${code ?? "a signal"}` : stderr;
  throw new CliError("service_failed", `\`${command}\` failed: ${said}; ${next}`, {
    fields: { command, output: stderr },
  });
}
