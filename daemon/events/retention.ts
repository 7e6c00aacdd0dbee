/**
 * How long events are kept: the newest of each session by count, and all that are young enough. What is neither goes, in
 * the background and from the oldest on, so that what stays of a session has no hole. A session's newest event and what
 * belongs to a turn that has not ended always stay. A clock that jumps ahead makes nothing old: what was stored while this
 * kartad runs must have that age by a clock that only goes forward, too.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { EventRepository, SessionSpan } from "../store/events.ts";

const SWEEP_EVERY_MS = 60 * 60 * 1000;
/** Events that go in one statement: a few milliseconds, in which nothing else runs. */
const BATCH = 200;
/** Sessions looked at in one statement. */
const SESSIONS_AT_ONCE = 100;
/** Between two statements: turns come first. */
const PAUSE_MS = 20;

export interface RetentionOptions {
  readonly events: EventRepository;
  /** Events of each session that stay, however old; at least 1. */
  readonly keepEvents: number;
  /** Events younger than this stay, however many. Milliseconds. */
  readonly keepMs: number;
  /** The first seq of a session's turns that have not ended; null where all have. */
  readonly unfinishedFrom: (sessionId: string) => number | null;
  /** An hour if not given. */
  readonly sweepEveryMs?: number;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds of a clock that only goes forward; the process's own if not given. */
  readonly elapsed?: () => number;
}

/** When a sweep began, and the newest event then. */
interface Mark {
  readonly at: number;
  readonly id: number;
}

/** Owner: the composition root. Sweeps from `start()` to `stop()`. */
export class EventRetention {
  readonly #options: RetentionOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** One a sweep, oldest first; of those past `keepMs` the newest alone. What came before the first, only the wall clock dates. */
  #marks: Mark[] = [];

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Sweeps now, and again and again. */
  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when the store is no longer used. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Goes over all sessions once. @returns how many events went */
  async sweep(): Promise<number> {
    let dropped = 0;
    let after = "";
    const upToId = await this.#mark();
    for (;;) {
      const spans = await this.#options.events.spans(after, SESSIONS_AT_ONCE);
      for (const span of spans) dropped += await this.#trim(span, upToId);
      const last = spans.at(-1);
      if (last === undefined || spans.length < SESSIONS_AT_ONCE || this.#isStopped()) return dropped;
      after = last.sessionId;
      await this.#pause(PAUSE_MS);
    }
  }

  async #run(): Promise<void> {
    const { logger, sweepEveryMs = SWEEP_EVERY_MS } = this.#options;
    while (!this.#isStopped()) {
      try {
        const events = await this.sweep();
        if (events > 0) logger.info({ events }, "events past their retention were dropped");
      } catch (error) {
        logger.warn(
          { err: error },
          "events past their retention could not be dropped; the next sweep tries again",
        );
      }
      await this.#pause(sweepEveryMs);
    }
  }

  /** @returns the newest event that is old enough by the clock that only goes forward */
  async #mark(): Promise<number> {
    const { events, keepMs, elapsed = () => performance.now() } = this.#options;
    const at = elapsed();
    this.#marks.push({ at: this.#marks.length === 0 ? -Infinity : at, id: await events.newestId() });
    const newestOld = this.#marks.findLastIndex((mark) => at - mark.at >= keepMs);
    this.#marks = this.#marks.slice(newestOld);
    return this.#marks[0]?.id ?? 0;
  }

  async #trim({ sessionId, newest, oldest }: SessionSpan, upToId: number): Promise<number> {
    const { events, keepEvents, keepMs, unfinishedFrom, now } = this.#options;
    const upTo = Math.min(newest - keepEvents, (unfinishedFrom(sessionId) ?? Infinity) - 1);
    let dropped = 0;
    while (oldest + dropped <= upTo && !this.#isStopped()) {
      const count = await events.dropOldest(sessionId, {
        upTo,
        upToId,
        before: now() - keepMs,
        limit: BATCH,
      });
      dropped += count;
      if (count < BATCH) break;
      await this.#pause(PAUSE_MS);
    }
    return dropped;
  }

  // A method, so that the compiler does not take it for unchanged across an await.
  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }
}
