import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LoggedEvent } from "../../../daemon/events/logged-event.ts";
import { orderedSource, sessionSource } from "../../../daemon/events/sources.ts";
import { Watcher, type EventSource } from "../../../daemon/events/watcher.ts";
import type { EventDraft } from "../../../shared/events.ts";
import { newId } from "../../../shared/ids.ts";
import { storeBench } from "../../support/store.ts";

const { log, feed, store } = await storeBench();

const draft: EventDraft = {
  type: "text",
  data: { part: { type: "text", text: "x" }, message_id: "msg_1" },
};
const append = (sessionId: string, count: number): Promise<LoggedEvent[]> =>
  log.append({ sessionId, turnId: null, drafts: Array.from({ length: count }, () => draft) });
const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));
const upTo = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index + 1);

/** A reader whose buffer is full whenever the next of `room` is false. Cut off, it comes back with its cursor. */
class Reader {
  readonly got: number[] = [];
  cuts = 0;
  returns = true;
  readonly #source: EventSource;
  readonly #room: readonly boolean[];
  readonly #maxLag: number;
  #writes = 0;
  #watcher: Watcher;

  constructor(options: { source: EventSource; after: number; room: readonly boolean[]; maxLag: number }) {
    this.#source = options.source;
    this.#room = options.room;
    this.#maxLag = options.maxLag;
    this.#watcher = this.#join(options.after);
  }

  drain(): void {
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
          this.got.push(...events.map((event) => this.#source.position(event)));
          return this.#room[this.#writes++] ?? true;
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
function seenLate(source: EventSource, delays: readonly number[]): EventSource {
  let taken = 0;
  const delay = async (): Promise<void> => {
    for (let turns = delays[taken++ % Math.max(1, delays.length)] ?? 0; turns > 0; turns -= 1)
      await turnOfTheLoop();
  };
  return {
    position: (event) => source.position(event),
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
async function readAll(reader: Reader, last: number): Promise<void> {
  for (let turns = 0; reader.cursor < last; turns += 1) {
    if (turns > 5000) throw new Error(`the reader stands at ${reader.cursor} and never reached ${last}`);
    reader.drain();
    await turnOfTheLoop();
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.constant("drain" as const) },
  { weight: 2, arbitrary: fc.constant("turn of the loop" as const) },
  { weight: 1, arbitrary: fc.constant("microtask" as const) },
);

describe("a watcher", () => {
  test("sees exactly what came after its cursor, in order and once, however full its sink is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.nat(40),
        fc.nat(30),
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.constantFrom(3, 1000),
        fc.array(fc.nat(4), { maxLength: 12 }),
        async (steps, joinsAt, cursor, room, maxLag, delays) => {
          const session = newId("sess");
          log.open(session, 0);
          const source = seenLate(sessionSource(store.events, feed, session), delays);
          const readers: Reader[] = []; // none, then one
          let after = 0;
          const join = (): void => {
            after = Math.min(cursor, log.head(session));
            readers.push(new Reader({ source, after, room, maxLag }));
          };
          for (const [index, one] of steps.entries()) {
            if (index === joinsAt) join();
            if (one === "drain") readers.at(0)?.drain();
            else if (one === "turn of the loop") await turnOfTheLoop();
            else if (one === "microtask") await Promise.resolve();
            else void append(session, one.append);
          }
          if (readers.length === 0) join();
          await log.settled();
          const last = log.head(session);
          const [joined] = readers;
          if (joined === undefined) throw new Error("nobody joined");
          await readAll(joined, last);
          expect(joined.got).toEqual(upTo(after, last));
          joined.close();
          log.close(session);
        },
      ),
      { numRuns: 150 },
    );
    expect(feed.size).toBe(0);
  });

  test("replays a history of several pages while more is appended", async () => {
    const session = newId("sess");
    log.open(session, 0);
    await append(session, 1200);
    const reader = new Reader({
      source: sessionSource(store.events, feed, session),
      after: 100,
      room: [true, false, true],
      maxLag: 1000,
    });
    for (let more = 0; more < 30; more += 1) {
      void append(session, 20);
      await turnOfTheLoop();
      reader.drain();
    }
    await log.settled();
    await readAll(reader, 1800);
    expect(reader.got).toEqual(upTo(100, 1800));
    reader.close();
  });

  test("that stays full past the bound is cut off, and its cursor is good afterwards", async () => {
    const session = newId("sess");
    log.open(session, 0);
    const source = sessionSource(store.events, feed, session);
    const slow = new Reader({ source, after: 0, room: [false], maxLag: 10 });
    slow.returns = false;
    const quick = new Reader({ source, after: 0, room: [], maxLag: 10 });
    await append(session, 1);
    await append(session, 10);
    expect(slow.cuts).toBe(0); // as far behind as it may be
    await append(session, 1);
    expect(slow.cuts).toBe(1);
    await append(session, 5);
    slow.drain();
    await turnOfTheLoop();
    expect(slow.cuts).toBe(1); // told once
    expect(slow.got).toEqual([1]);
    expect(quick.got).toEqual(upTo(0, 17));
    expect(feed.size).toBe(1);
    const back = new Reader({ source, after: slow.cursor, room: [], maxLag: 10 });
    await readAll(back, 17);
    expect(back.got).toEqual(upTo(1, 17));
    back.close();
    quick.close();
    expect(feed.size).toBe(0);
  });

  test("of all sessions sees every event once, in the order they were stored", async () => {
    const sessions = [newId("sess"), newId("sess"), newId("sess")];
    for (const session of sessions) log.open(session, 0);
    const start = await store.events.newestId();
    const reader = new Reader({
      source: orderedSource(store.events, feed, null),
      after: start,
      room: [true, false],
      maxLag: 1000,
    });
    for (let round = 0; round < 10; round += 1) {
      for (const session of sessions) void append(session, 1 + (round % 3));
      await turnOfTheLoop();
    }
    await log.settled();
    const last = await store.events.newestId();
    await readAll(reader, last);
    expect(reader.got).toEqual(upTo(start, last));
    reader.close();
  });

  test("closed while it reads the log gets nothing more and holds no listener", async () => {
    const session = newId("sess");
    log.open(session, 0);
    await append(session, 3);
    const reader = new Reader({
      source: sessionSource(store.events, feed, session),
      after: 0,
      room: [],
      maxLag: 10,
    });
    reader.close();
    await append(session, 3);
    await turnOfTheLoop();
    expect(reader.got).toEqual([]);
    expect(feed.size).toBe(0);
  });

  test("whose log cannot be read tells its sink once and lets go of the feed", async () => {
    const failures: unknown[] = [];
    const session = newId("sess");
    const watcher = new Watcher({
      source: {
        ...sessionSource(store.events, feed, session),
        page: () => Promise.reject(new Error("unreadable")),
      },
      after: 0,
      sink: { write: () => true, tooSlow: () => undefined, failed: (error) => failures.push(error) },
    });
    await turnOfTheLoop();
    watcher.resume();
    await turnOfTheLoop();
    expect(failures).toEqual([new Error("unreadable")]);
    expect(feed.size).toBe(0);
  });
});

describe("the feed", () => {
  test("frees a listener when it stops, also while events are handed out, and not its neighbour", async () => {
    const session = newId("sess");
    log.open(session, 0);
    const seen: string[] = [];
    const stopFirst = feed.watch(session, () => {
      seen.push("first");
      stopFirst();
    });
    const stopSecond = feed.watch(session, () => seen.push("second"));
    const stopAll = feed.watchAll(() => seen.push("all"));
    expect(feed.size).toBe(3);
    await append(session, 1);
    await append(session, 1);
    expect(seen).toEqual(["all", "first", "second", "all", "second"]);
    stopSecond();
    stopSecond();
    stopAll();
    expect(feed.size).toBe(0);
    const again = feed.watch(session, () => seen.push("again"));
    stopFirst(); // an old stop does not end a new listener
    expect(feed.size).toBe(1);
    again();
  });
});
