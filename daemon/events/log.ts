/**
 * The event log: assign seq → store → fan out, in that order, so that what a client saw is never lost or renumbered.
 * Appends of one turn of the event loop are stored together (group commit); under load the groups grow by themselves.
 */
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import type { EventDraft } from "../../shared/events.ts";
import { outsideLogContext } from "../log/context.ts";
import type { RowChange } from "../store/changes.ts";
import type { EventRepository, NewEventRow } from "../store/events.ts";
import type { Feed } from "./feed.ts";
import { LoggedEvent } from "./logged-event.ts";

export interface Append {
  readonly sessionId: string;
  /** Null for what happens outside a turn. */
  readonly turnId: string | null;
  readonly drafts: readonly EventDraft[];
  /** Stored in the same transaction. */
  readonly changes?: readonly RowChange[];
}

interface Waiting {
  readonly append: Append;
  readonly timestamp: number;
  readonly resolve: (events: LoggedEvent[]) => void;
  readonly reject: (error: Error) => void;
}

export interface EventLogOptions {
  readonly events: EventRepository;
  readonly feed: Feed;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Owner: the composition root. Bounded by what arrives in one turn of the event loop. */
export class EventLog {
  readonly #events: EventRepository;
  readonly #feed: Feed;
  readonly #log: Logger;
  readonly #now: () => number;
  /** The newest stored seq of each open session. */
  readonly #heads = new Map<string, number>();
  #waiting: Waiting[] = [];
  #flushing = false;
  /** The newest group could not be stored. */
  #failing = false;
  #idle: (() => void)[] = [];

  constructor(options: EventLogOptions) {
    this.#events = options.events;
    this.#feed = options.feed;
    this.#log = options.logger.child({ part: "events" });
    this.#now = options.now;
  }

  /** Must be called before a session's first append; `lastSeq` as the store has it. */
  open(sessionId: string, lastSeq: number): void {
    if (!this.#heads.has(sessionId)) this.#heads.set(sessionId, lastSeq);
  }

  /** Frees the session's head. Nothing may be appended until it is opened again. */
  close(sessionId: string): void {
    this.#heads.delete(sessionId);
  }

  /** The newest stored seq of an open session. */
  head(sessionId: string): number {
    return this.#heads.get(sessionId) ?? 0;
  }

  /**
   * Stores events and, with them, changes of other rows. Resolves with the events once they are stored and handed out.
   * @throws KartaError `storage_unavailable` when they could not be stored; then no seq was used.
   * @throws Error for a session that is not open: a seq made up for it would spoil the whole group
   */
  append(append: Append): Promise<LoggedEvent[]> {
    if (!this.#heads.has(append.sessionId))
      return Promise.reject(new Error(`${append.sessionId} is not open in the event log`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, timestamp: this.#now(), resolve, reject });
      this.#schedule();
    });
  }

  /** Whether events can be stored now, as far as is known. After a failure it is tried, by a write that changes nothing. */
  async isWritable(): Promise<boolean> {
    if (!this.#failing) return true;
    try {
      await this.#events.tryWrite();
      this.#recovered();
    } catch {
      // Said when it began.
    }
    return !this.#failing;
  }

  /** Resolves when everything appended so far is stored or refused. */
  settled(): Promise<void> {
    if (!this.#flushing) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    outsideLogContext(() => setImmediate(() => void this.#flush())); // it stores what others append too
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#store(group);
    }
    this.#flushing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #recovered(): void {
    if (this.#failing) this.#log.info("events can be stored again");
    this.#failing = false;
  }

  async #store(group: readonly Waiting[]): Promise<void> {
    const heads = new Map<string, number>();
    const rows: NewEventRow[] = [];
    const changes: RowChange[] = [];
    const counts: number[] = [];
    for (const { append, timestamp } of group) {
      let seq = heads.get(append.sessionId) ?? this.head(append.sessionId);
      for (const draft of append.drafts) {
        seq += 1;
        rows.push({
          session_id: append.sessionId,
          seq,
          turn_id: append.turnId,
          type: draft.type,
          timestamp,
          data: JSON.stringify(draft.data),
        });
      }
      heads.set(append.sessionId, seq);
      counts.push(append.drafts.length);
      if (append.changes) changes.push(...append.changes);
    }

    let lastId: number;
    try {
      lastId = await this.#events.append(rows, changes);
    } catch (error) {
      // Once: a full disk would have a line for each try, and may be the log's disk too.
      this.#log[this.#failing ? "debug" : "error"](
        { err: error, events: rows.length },
        "events could not be stored",
      );
      this.#failing = true;
      const refusal = new KartaError(
        "storage_unavailable",
        "the event log cannot be written; see `karta logs` and check the disk that holds Karta's state folder",
        { cause: error, retryAfterSeconds: 5 },
      );
      for (const { reject } of group) reject(refusal);
      return;
    }

    this.#recovered();
    for (const [sessionId, seq] of heads) if (this.#heads.has(sessionId)) this.#heads.set(sessionId, seq);
    const firstId = lastId - rows.length + 1;
    const logged = rows.map((row, index) => new LoggedEvent({ ...row, id: firstId + index }));
    this.#feed.publish(logged);
    let start = 0;
    group.forEach(({ resolve }, index) => {
      const end = start + (counts[index] ?? 0);
      resolve(logged.slice(start, end));
      start = end;
    });
  }
}
