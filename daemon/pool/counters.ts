/** What the pool has done since kartad started; for /metrics and for an honest Retry-After. */

import type { ManagedProcess } from "../process/process.ts";

/** How much the newest turn counts in the mean. */
const WEIGHT = 0.2;
const LONGEST_RETRY_SECONDS = 120;

export class PoolCounters {
  /** Sessions that were given a spare. */
  warmStarts = 0;
  /** Processes that were started for a session. */
  coldStarts = 0;
  /** Sessions' processes that went because they idled too long, or because another session needed the room. */
  evictions = 0;
  /** Processes that ended without the pool's asking, in a turn or between two. */
  crashes = 0;
  readonly #crashed = new WeakSet<ManagedProcess>();
  /** Processes that went after their turn because their group held too much memory. */
  oversized = 0;
  #meanTurnMs = 2000;

  /** Counted once, however many conversations the process held. */
  crashed(process: ManagedProcess): void {
    if (this.#crashed.has(process)) return;
    this.#crashed.add(process);
    this.crashes += 1;
  }

  turnTook(ms: number): void {
    this.#meanTurnMs += WEIGHT * (ms - this.#meanTurnMs);
  }

  /** How long one more turn would wait behind `waiting` others for one of `processes`, as turns go now. */
  expectedWaitSeconds(waiting: number, processes: number): number {
    const seconds = (this.#meanTurnMs * (waiting + 1)) / Math.max(1, processes) / 1000;
    return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, Math.ceil(seconds)));
  }
}
