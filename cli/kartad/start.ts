/** Starts kartad in the background and waits until it answers. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { stateHome } from "../../shared/paths.ts";
import type { Status } from "../../shared/protocol/control.ts";
import type { KartaClient } from "../client/client.ts";
import { CliError, NoDaemonError, WentAwayError } from "../client/errors.ts";
import { routes } from "../client/routes.ts";
import { environment } from "../environment.ts";
import { exitMeaning } from "./exit-meaning.ts";
import { kartadArguments, type KartadFlags } from "./flags.ts";
import { kartadCommand } from "./replace.ts";

/** How often a starting or stopping kartad is asked, in milliseconds: there is no event to wait for across processes. */
export const POLL_MS = 50;

/** The running daemon's status, or null when nobody answers. */
export async function runningStatus(client: KartaClient, signal?: AbortSignal): Promise<Status | null> {
  try {
    return await client.call(routes.status, signal === undefined ? {} : { signal });
  } catch (error) {
    if (error instanceof NoDaemonError || error instanceof WentAwayError) return null;
    throw error;
  }
}

/**
 * Starts a kartad that outlives this process and answers once it does; its output goes to `kartad.out` in the state folder.
 * @throws CliError `start_failed` (`unsafe_bind`) when it ends first, `timed_out` when it does neither
 */
export async function startKartad(
  client: KartaClient,
  flags: KartadFlags,
  timeoutSeconds: number,
): Promise<Status> {
  const output = outputFile(flags);
  const file = openOutput(output);
  const child = spawn(process.execPath, kartadCommand(kartadArguments(flags, client.socket)), {
    detached: true,
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  const ended = exitOf(child);
  const status = await Promise.race([answering(client, child, timeoutSeconds), ended]);
  if (typeof status === "object") {
    child.unref();
    return status;
  }
  throw status === "late"
    ? new CliError(
        "timed_out",
        `kartad did not answer within ${timeoutSeconds} s; its output is in ${output}`,
        {
          fields: { pid: child.pid, output },
        },
      )
    : startFailed(status, output);
}

/** Where a background kartad's stdout and stderr go. */
function outputFile(flags: Pick<KartadFlags, "home">): string {
  return path.join(
    flags.home === undefined ? stateHome(environment) : path.resolve(flags.home),
    "kartad.out",
  );
}

/** Owner only, and never through a link that somebody else laid there. */
function openOutput(output: string): number {
  mkdirSync(path.dirname(output), { recursive: true, mode: 0o700 });
  return openSync(
    output,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
}

/** The exit code; signals and a failed spawn count as `failed`. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code ?? DAEMON_EXIT.failed));
    child.once("error", () => resolve(DAEMON_EXIT.failed));
  });
}

/** Resolves when this very child answers; another kartad on the socket makes the child end by itself. */
async function answering(
  client: KartaClient,
  child: ChildProcess,
  timeoutSeconds: number,
): Promise<Status | "late"> {
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  while (!deadline.aborted) {
    const status = await runningStatus(client, deadline).catch(() => null);
    if (status !== null && status.pid === child.pid) return status;
    await delay(POLL_MS);
    // The exit settles the race; nothing is left to ask.
    if (child.exitCode !== null || child.signalCode !== null) return new Promise(() => undefined);
  }
  return "late";
}

/**
 * Waits for a kartad that somebody else starts.
 * @param not the pid of the one that goes
 * @throws CliError `timed_out`
 */
export async function awaitOther(client: KartaClient, not: number, timeoutSeconds: number): Promise<Status> {
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  while (!deadline.aborted) {
    const status = await runningStatus(client, deadline).catch(() => null);
    if (status !== null && status.pid !== not) return status;
    await delay(POLL_MS);
  }
  throw new CliError(
    "timed_out",
    `no kartad answered within ${timeoutSeconds} s; \`karta service status\` says more`,
  );
}

function startFailed(exitCode: number, output: string): CliError {
  const { reason, words } = exitMeaning(exitCode);
  const last = lastLine(output);
  // What kartad says when it ends by a name needs no second explanation.
  const own = last?.startsWith(`kartad: ${reason}: `) ? last.slice(`kartad: ${reason}: `.length) : null;
  const why =
    own === null
      ? `${last ?? words} (exit code ${exitCode}: ${words})`
      : `${own} (exit code ${exitCode}, ${reason})`;
  return new CliError(
    reason === "unsafe_bind" ? reason : "start_failed",
    `kartad did not start: ${why}; its output is in ${output}`,
    { fields: { exit_code: exitCode, reason, output } },
  );
}

/** The last line that says something: not a stack's frames, nor the version that Node prints below a stack. */
function lastLine(output: string): string | null {
  const lines = readFileSync(output, "utf8").split("\n");
  const telling = lines.filter((line) => line.trim() !== "" && !/^\s+at |^Node\.js v/.test(line));
  return telling[telling.length - 1]?.trim() ?? null;
}
