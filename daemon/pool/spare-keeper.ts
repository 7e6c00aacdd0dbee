/** Keeps each lane's spares: fills it up when one was taken or has died, and again when its back-off is over. */
import { withLogContext } from "../log/context.ts";
import type { Logger } from "pino";
import type { Lane } from "./lane.ts";
import type { Lanes } from "./lanes.ts";
import type { PooledProcess } from "./pooled-process.ts";
import type { ProcessSet } from "./process-set.ts";

export interface SpareKeeperOptions {
  readonly lanes: Lanes;
  readonly processes: ProcessSet;
  /** Takes free room for a spare of the lane; null when there is none. */
  readonly claim: (lane: Lane) => PooledProcess | null;
  /** Resolves when the spare is ready; rejects when it did not start, which the lane has counted then. */
  readonly start: (spare: PooledProcess, lane: Lane) => Promise<void>;
  /** A spare is ready, or its room is free again. */
  readonly onSettled: () => void;
  readonly now: () => number;
  readonly logger: Logger;
}

/**
 * A spare that was taken is followed by another this much later: to start one is half a second of work, and the session
 * that took it is about to be given its first word, which takes 0.2 s.
 */
const AFTER_TAKING_MS = 300;

/** Owner: the pool. Its timers end with `close`, or find that their lane is forgotten. */
export class SpareKeeper {
  readonly #options: SpareKeeperOptions;
  readonly #timers = new Map<Lane, NodeJS.Timeout>();

  constructor(options: SpareKeeperOptions) {
    this.#options = options;
  }

  /** Starts spares until the lane has what it wants, one after the other. They take free room only. */
  async refill(lane: Lane): Promise<void> {
    const { lanes, processes, claim, start, onSettled, now, logger } = this.#options;
    if (!lanes.has(lane) || processes.sparesOf(lane.key).length >= lane.wantedSpares(now())) return;
    const blockedMs = lane.blockedMs(now());
    if (blockedMs > 0) {
      this.#refillIn(lane, blockedMs);
      return;
    }
    const spare = claim(lane);
    if (spare === null) return;
    try {
      // Whoever's turn made room for it.
      await withLogContext({ project: lane.request.launch.project }, () => start(spare, lane));
    } catch (error) {
      const { project } = lane.request.launch;
      logger.warn({ err: error, project, failures: lane.failures }, "a spare did not start");
    }
    onSettled();
    await this.refill(lane);
  }

  /** A spare was taken. */
  refillSoon(lane: Lane): void {
    this.#refillIn(lane, AFTER_TAKING_MS);
  }

  /** Something became free: what nobody waits for, spares may have. */
  refillAll(): void {
    for (const lane of this.#options.lanes.all) void this.refill(lane);
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #refillIn(lane: Lane, ms: number): void {
    if (this.#timers.has(lane)) return; // put off no further: it looks again when it fires
    const timer = setTimeout(() => {
      this.#timers.delete(lane);
      void this.refill(lane);
    }, ms);
    this.#timers.set(lane, timer.unref());
  }
}
