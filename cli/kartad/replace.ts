/** Turns this process into kartad, so that signals, the terminal and the exit code are kartad's own. */
import { spawn } from "node:child_process";
import path from "node:path";
import { KARTAD_NODE_OPTIONS } from "../../shared/node-options.ts";
import { packageRoot } from "../../shared/paths.ts";

/** What to give Node to run this package's kartad with these arguments. */
export function kartadCommand(args: readonly string[]): string[] {
  return [...KARTAD_NODE_OPTIONS, path.join(packageRoot(), "daemon", "bin", "kartad.js"), ...args];
}

/**
 * Runs kartad in the foreground. Where the system can replace a process (`execve`: not Windows), this never returns:
 * the pid stays, and nothing of the CLI is left in memory. Elsewhere kartad is a child and its exit code is returned.
 */
export async function becomeKartad(args: readonly string[]): Promise<number> {
  const argv = kartadCommand(args);
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
