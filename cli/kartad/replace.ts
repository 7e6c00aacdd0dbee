/** Turns this process into kartad, so that signals, the terminal and the exit code are kartad's own. */
import { spawn } from "node:child_process";
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";

/** kartad's launcher in this package. */
export function kartadLauncher(): string {
  return path.join(packageRoot(), "daemon", "bin", "kartad.js");
}

/**
 * Runs kartad in the foreground. Where the system can replace a process (`execve`: not Windows), this never returns:
 * the pid stays, and nothing of the CLI is left in memory. Elsewhere kartad is a child and its exit code is returned.
 */
export async function becomeKartad(args: readonly string[]): Promise<number> {
  const argv = [kartadLauncher(), ...args];
  process.execve?.(process.execPath, [process.execPath, ...argv], process.env);
  return runAsChild(argv);
}

function runAsChild(argv: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, argv, { stdio: "inherit" });
  // Ctrl-C in a terminal reaches the child by itself; passing it on too would be a second signal, which means "quit now".
  process.on("SIGINT", () => {
    if (!process.stdin.isTTY) child.kill("SIGINT");
  });
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
}
