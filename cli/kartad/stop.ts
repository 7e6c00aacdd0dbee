/** Stops the running kartad and waits until it is gone. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "../../shared/errors.ts";
import type { Status } from "../../shared/protocol/control.ts";
import type { KartaClient } from "../client/client.ts";
import { CliError, NoDaemonError, WentAwayError } from "../client/errors.ts";
import { routes } from "../client/routes.ts";
import { POLL_MS, runningStatus } from "./start.ts";

export interface StopOptions {
  readonly timeoutSeconds: number;
  /** Told the number of turns that still run, each time it changes. */
  readonly onDraining: (turns: number) => void;
}

/**
 * Asks kartad to drain and end; resolves when its socket is silent and its process is gone.
 * @returns its status from just before
 * @throws NoDaemonError when none runs, CliError `timed_out` when it is still there after the time
 */
export async function stopKartad(client: KartaClient, options: StopOptions): Promise<Status> {
  const before = await client.call(routes.status);
  const { pid } = await askToStop(client, before.pid);
  await awaitEnd(client, pid, options);
  return before;
}

/** Resolves when a kartad that was asked to stop is silent and gone. @throws CliError `timed_out` */
async function awaitEnd(client: KartaClient, pid: number, options: StopOptions): Promise<void> {
  const deadline = AbortSignal.timeout(options.timeoutSeconds * 1000);
  let turns = -1;
  while (!deadline.aborted) {
    const status = await runningStatus(client, deadline).catch(() => null);
    // Another pid is another kartad: a supervisor may have started it at once.
    const silent = status?.pid !== pid;
    if (silent && !isAlive(pid)) return;
    if (!silent && status.sessions.running_turns !== turns) {
      turns = status.sessions.running_turns;
      options.onDraining(turns);
    }
    await delay(POLL_MS);
  }
  throw new CliError(
    "timed_out",
    `kartad (pid ${pid}) has not ended after ${options.timeoutSeconds} s; it is still draining, or a second \`karta stop\` ends it`,
    { fields: { pid } },
  );
}

/** A kartad that is gone before it can answer has done what was asked. */
async function askToStop(client: KartaClient, pid: number): Promise<{ pid: number }> {
  try {
    return await client.call(routes.stop);
  } catch (error) {
    if (error instanceof WentAwayError || error instanceof NoDaemonError) return { pid };
    throw error;
  }
}

/** False for a process that has ended, also when nobody has collected it yet (a container without an init). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    // `pid (name) state …`: the name may hold spaces and brackets, so the state is read after the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) === "Z";
  } catch {
    return false;
  }
}
