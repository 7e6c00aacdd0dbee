/** How much one process group may hold. An agent that grew too big is replaced between two turns, never in one. */
import type { Logger } from "pino";
import type { ManagedProcess } from "../process/process.ts";
import type { PoolCounters } from "./counters.ts";
import type { PooledProcess } from "./pooled-process.ts";

export interface MemoryLimitOptions {
  /** Bytes that a process group holds; null where that is not known, which it never is when left out. */
  readonly memoryOf?: (groupId: number) => number | null;
  /** Bytes; no limit when left out. */
  readonly maxProcessBytes?: number;
}

export class MemoryLimit {
  readonly #memoryOf: (groupId: number) => number | null;
  readonly #max: number;
  readonly #counters: PoolCounters;
  readonly #log: Logger;
  /** Found too big: it stays so, for each of the conversations on it. */
  readonly #exceeding = new WeakSet<ManagedProcess>();

  constructor(options: MemoryLimitOptions, counters: PoolCounters, logger: Logger) {
    this.#counters = counters;
    this.#memoryOf = options.memoryOf ?? (() => null);
    this.#max = options.maxProcessBytes ?? Infinity;
    this.#log = logger;
  }

  /** Whether the process and its children hold more than they may; it is counted and logged then, once. */
  isExceededBy(pooled: PooledProcess): boolean {
    const process = pooled.agent?.process;
    if (process !== undefined && this.#exceeding.has(process)) return true;
    const groupId = process?.pid ?? null;
    const bytes = groupId === null ? null : this.#memoryOf(groupId);
    if (process === undefined || bytes === null || bytes <= this.#max) return false;
    this.#exceeding.add(process);
    this.#counters.oversized += 1;
    const { id, project, sessionId } = pooled;
    this.#log.warn(
      { process_id: id, project, session_id: sessionId, bytes, limit: this.#max },
      "a process holds more memory than max_process_mb; it goes, and its session's next turn starts another",
    );
    return true;
  }
}
