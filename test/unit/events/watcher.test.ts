import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { orderedSource, sessionSource } from "../../../daemon/events/sources.ts";
import { Watcher } from "../../../daemon/events/watcher.ts";
import { newId } from "../../../shared/ids.ts";
import { appending, Reader, readAll, seenLate, turnOfTheLoop } from "../../support/reader.ts";
import { storeBench } from "../../support/store.ts";

const { log, feed, store } = await storeBench();
const append = appending(log);
const upTo = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index + 1);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.constant("drain" as const) },
  { weight: 2, arbitrary: fc.constant("turn of the loop" as const) },
  { weight: 1, arbitrary: fc.constant("microtask" as const) },
  { weight: 1, arbitrary: fc.record({ prune: fc.nat(60) }) },
);
/** Where a sequence has holes: the last before each and the first after it. */
const gapsIn = (after: number, got: readonly number[]): [number, number][] =>
  got.flatMap((seq, index): [number, number][] => {
    const previous = got[index - 1] ?? after;
    return seq === previous + 1 ? [] : [[previous, seq]];
  });

describe("a watcher", () => {
  test("sees exactly what came after its cursor, in order and once, however full its sink is; of what is pruned it is told", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.nat(40),
        fc.nat(30),
        fc.array(fc.nat(4), { maxLength: 60 }),
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
            else if ("append" in one) void append(session, one.append);
            else {
              const upTo = Math.min(one.prune, log.head(session) - 1);
              await store.events.dropOldest(session, { upTo, before: Infinity, limit: 1000 });
            }
          }
          if (readers.length === 0) join();
          await log.settled();
          const last = log.head(session);
          const [joined] = readers;
          if (joined === undefined) throw new Error("nobody joined");
          await readAll(joined, last);
          const gaps = gapsIn(after, joined.got);
          expect(joined.got.at(-1) ?? after).toBe(last);
          expect(joined.holes).toEqual(expect.arrayContaining(gaps));
          for (const [previous] of joined.holes) expect(gaps.map(([start]) => start)).toContain(previous);
          if (!steps.some((one) => typeof one === "object" && "prune" in one))
            expect(joined.got).toEqual(upTo(after, last));
          joined.close();
          log.close(session);
        },
      ),
      { numRuns: 200 },
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
      room: [700, 0, 3, 90],
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
    const slow = new Reader({ source, after: 0, room: [1], maxLag: 10 });
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
      room: [40, 1, 2],
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
      sink: {
        write: (events) => events.length,
        tooSlow: () => undefined,
        expired: () => undefined,
        failed: (error) => failures.push(error),
      },
    });
    await turnOfTheLoop();
    watcher.resume();
    await turnOfTheLoop();
    expect(failures).toEqual([new Error("unreadable")]);
    expect(feed.size).toBe(0);
  });
});
