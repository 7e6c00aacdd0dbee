/** A watcher's reader in a test's hands: how much room it has, what it got, and a source that is slow to show things. */
import type { LoggedEvent } from "../../daemon/events/logged-event.ts";
import type { EventLog } from "../../daemon/events/log.ts";
import { Watcher, type EventSource } from "../../daemon/events/watcher.ts";
import type { EventDraft } from "../../shared/events.ts";

const draft: EventDraft = {
  type: "text",
  data: { part: { type: "text", text: "x" }, message_id: "msg_1" },
};

/** Appends so many events to an open session. */
export function appending(log: EventLog) {
  return (sessionId: string, count: number): Promise<LoggedEvent[]> =>
    log.append({ sessionId, turnId: null, drafts: Array.from({ length: count }, () => draft) });
}

export const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));

/**
 * A reader whose buffer is full after so many events, the next of `room` each time it drained; then it has all the room
 * there is. Cut off, it comes back with its cursor; told that what came next is gone, it goes on at the oldest.
 */
export class Reader {
  readonly got: number[] = [];
  /** Where it was told that events are gone: the last it had, and the oldest kept. */
  readonly holes: [number, number][] = [];
  cuts = 0;
  returns = true;
  readonly #source: EventSource;
  readonly #room: readonly number[];
  readonly #maxLag: number;
  #drains = 0;
  #left: number;
  #watcher: Watcher;

  constructor(options: { source: EventSource; after: number; room: readonly number[]; maxLag: number }) {
    this.#source = options.source;
    this.#room = options.room;
    this.#maxLag = options.maxLag;
    this.#left = this.#room[0] ?? Infinity;
    this.#watcher = this.#join(options.after);
  }

  drain(): void {
    this.#left = this.#room[(this.#drains += 1)] ?? Infinity;
    this.#watcher.resume();
  }

  close(): void {
    this.#watcher.close();
  }

  get cursor(): number {
    return this.#watcher.cursor;
  }

  #join(after: number): Watcher {
    return new Watcher({
      source: this.#source,
      after,
      maxLag: this.#maxLag,
      sink: {
        write: (events) => {
          const taken = events.slice(0, this.#left);
          this.#left -= taken.length;
          this.got.push(...taken.map((event) => this.#source.position(event)));
          return taken.length;
        },
        expired: (oldest) => {
          this.holes.push([this.got.at(-1) ?? after, oldest]);
          this.#watcher = this.#join(oldest - 1);
        },
        tooSlow: () => {
          this.cuts += 1;
          if (this.returns) this.#watcher = this.#join(this.got.at(-1) ?? after);
        },
        failed: (error) => {
          throw error;
        },
      },
    });
  }
}

/**
 * The same source, seen late: pages take their time on the way in and out, and events are handed out a while after they
 * were stored, in order. A page may so show an event before the feed does, and the feed one that the page had missed.
 */
export function seenLate(source: EventSource, delays: readonly number[]): EventSource {
  let taken = 0;
  const delay = async (): Promise<void> => {
    for (let turns = delays[taken++ % Math.max(1, delays.length)] ?? 0; turns > 0; turns -= 1)
      await turnOfTheLoop();
  };
  return {
    position: (event) => source.position(event),
    follows: (event, cursor) => source.follows(event, cursor),
    page: async (cursor, limit) => {
      await delay();
      const page = await source.page(cursor, limit);
      await delay();
      return page;
    },
    watch: (listener) => {
      let watching = true;
      let handedOut = Promise.resolve();
      const stop = source.watch((events) => {
        handedOut = handedOut.then(delay).then(() => {
          if (watching) listener(events);
        });
      });
      return () => {
        watching = false;
        stop();
      };
    },
  };
}

/** Drains a reader until it has read up to `last`. @throws after many turns of the loop */
export async function readAll(reader: Reader, last: number): Promise<void> {
  for (let turns = 0; reader.cursor < last; turns += 1) {
    if (turns > 5000) throw new Error(`the reader stands at ${reader.cursor} and never reached ${last}`);
    reader.drain();
    await turnOfTheLoop();
  }
}
