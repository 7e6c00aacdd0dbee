/**
 * A watcher: one reader's place in a sequence of events. It replays what came after its cursor and then goes on live,
 * with no gap and no duplicate. It keeps a cursor, not a buffer: while its sink is full it stops, and when the sink
 * drains it reads on from the log, so a slow reader costs no memory. One that falls too far behind is cut off.
 */
import type { FeedListener } from "./feed.ts";
import type { LoggedEvent } from "./logged-event.ts";

/** Where events go. */
export interface EventSink {
  /**
   * Takes events, in order.
   * @returns how many it took. Fewer than it was given: the reader's buffer is full; call `Watcher.resume` when it drained
   */
  write(events: readonly LoggedEvent[]): number;
  /** The reader is too far behind. The sink ends its connection. */
  tooSlow(): void;
  /** What comes next for the reader is no longer kept; the oldest that is has this position. The sink ends likewise. */
  expired(oldest: number): void;
  /** The log could not be read. */
  failed(error: unknown): void;
}

/** What a watcher follows: one session by seq, or all of them by id. */
export interface EventSource {
  /** Events after `cursor`, in order, at most `limit`. */
  page(cursor: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Starts the live part; returns how to stop. */
  watch(listener: FeedListener): () => void;
  /** An event's place: its seq, or its id. */
  position(event: LoggedEvent): number;
  /** Whether an event is the very next one after a cursor. False: what lies between is no longer kept. */
  follows(event: LoggedEvent, cursor: number): boolean;
}

/** `replaying`: reading the log. `live`: up to date. `full`: the sink takes no more for now. `closed`: over. */
type WatcherState = "replaying" | "live" | "full" | "closed";

const PAGE = 500;
/** The least that a reader who takes little at a time is read. */
const SMALLEST_PAGE = 16;
/** Events that may pass by while the sink is full before the reader is cut off. */
const DEFAULT_MAX_LAG = 1000;

/** Owner: the connection that reads. Freed by `close()`, or by what its sink is told: `tooSlow`, `expired`, `failed`. */
export class Watcher {
  readonly #source: EventSource;
  readonly #sink: EventSink;
  readonly #maxLag: number;
  readonly #unwatch: () => void;
  #state: WatcherState = "replaying";
  #cursor: number;
  /** The newest position the feed has shown. */
  #newest: number;
  #missedWhileFull = 0;
  /** Events to read at once. Big events fill a sink before a page's end: the rest would be read for nothing. */
  #pageSize = PAGE;

  constructor(options: { source: EventSource; sink: EventSink; after: number; maxLag?: number }) {
    this.#source = options.source;
    this.#sink = options.sink;
    this.#cursor = options.after;
    this.#newest = options.after;
    this.#maxLag = options.maxLag ?? DEFAULT_MAX_LAG;
    // Watch first, then read: what is stored while the log is read is seen by one of the two, and the cursor drops
    // what is seen by both.
    this.#unwatch = this.#source.watch((events) => this.#onLive(events));
    void this.#replay();
  }

  /** The position of the last event that was written to the sink. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The sink has room again. */
  resume(): void {
    if (this.#state !== "full") return;
    this.#state = "replaying";
    this.#missedWhileFull = 0;
    void this.#replay();
  }

  close(): void {
    this.#state = "closed";
    this.#unwatch();
  }

  #onLive(events: readonly LoggedEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    this.#newest = Math.max(this.#newest, this.#source.position(last));
    switch (this.#state) {
      case "live":
        // What is left of a burst is no sign of a slow reader: it came in one turn of the loop.
        if (this.#write(events) === events.length) this.#missed(events.length);
        return;
      case "full":
        this.#missed(events.length);
        return;
      case "replaying": // it reads on until it has caught up with #newest
      case "closed":
        return;
    }
  }

  /** So many events passed by while the sink was full. */
  #missed(count: number): void {
    this.#missedWhileFull += count;
    if (this.#missedWhileFull > this.#maxLag) this.#end(() => this.#sink.tooSlow());
  }

  async #replay(): Promise<void> {
    try {
      while (this.#state === "replaying") {
        const limit = this.#pageSize;
        const page = await this.#source.page(this.#cursor, limit);
        if (!this.#isReplaying()) return;
        const left = this.#write(page);
        this.#pageSize = left > 0 ? Math.max(SMALLEST_PAGE, limit >> 1) : Math.min(PAGE, limit * 2);
        // A short page was the end of the log when it was read; events stored since then moved #newest.
        if (this.#isReplaying() && page.length < limit && this.#cursor >= this.#newest) this.#state = "live";
      }
    } catch (error) {
      this.#end(() => this.#sink.failed(error));
    }
  }

  // A method, so that the compiler does not take the state for unchanged across an await or a write.
  #isReplaying(): boolean {
    return this.#state === "replaying";
  }

  /** Hands on what is new. @returns how much of it the sink did not take */
  #write(events: readonly LoggedEvent[]): number {
    const fresh = events.filter((event) => this.#source.position(event) > this.#cursor);
    const [next] = fresh;
    if (next === undefined) return 0;
    if (!this.#source.follows(next, this.#cursor)) {
      this.#end(() => this.#sink.expired(this.#source.position(next)));
      return 0;
    }
    const taken = this.#sink.write(fresh);
    const last = fresh[taken - 1];
    if (last !== undefined) this.#cursor = this.#source.position(last);
    const left = fresh.length - taken;
    if (left > 0 && this.#state !== "closed") this.#state = "full";
    return left;
  }

  #end(tell: () => void): void {
    if (this.#state === "closed") return;
    this.close();
    tell();
  }
}
