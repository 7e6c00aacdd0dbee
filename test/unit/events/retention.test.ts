import { afterEach, describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { EventRetention, type RetentionOptions } from "../../../daemon/events/retention.ts";
import type { NewEventRow } from "../../../daemon/store/events.ts";
import { eventually, eventuallyIs } from "../../support/processes.ts";
import { appending } from "../../support/reader.ts";
import { sessionRow, storeBench } from "../../support/store.ts";
import { silent } from "../apps/temp-project.ts";

const bench = await storeBench();
const { store } = bench;

const NOW = 1_000_000;
const OLD = NOW - 501;

/** A session whose events, from seq 1 on, were stored at these times. */
async function sessionWith(timestamps: readonly number[]): Promise<string> {
  const session = sessionRow();
  await store.sessions.insert(session);
  const rows = timestamps.map((timestamp, index): NewEventRow => ({
    session_id: session.id,
    seq: index + 1,
    turn_id: null,
    type: "text",
    timestamp,
    data: "{}",
  }));
  await store.events.append(rows, []);
  return session.id;
}
const old = (count: number) => Array.from({ length: count }, () => OLD);
const retention = (options: Partial<RetentionOptions>) =>
  new EventRetention({
    events: store.events,
    keepEvents: 10,
    keepMs: 500,
    unfinishedFrom: () => null,
    logger: silent,
    now: () => NOW,
    ...options,
  });
const kept = async (id: string) => (await store.events.page(id, 0, 100_000)).map(({ seq }) => seq);
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1);

afterEach(() => bench.outside.exec("DELETE FROM events; DELETE FROM sessions"));

describe("a sweep", () => {
  test("drops nothing that is young by a clock that only goes forward, however far the other jumps", async () => {
    const clock = { wall: NOW, elapsed: 0 };
    const sweeps = retention({ now: () => clock.wall, elapsed: () => clock.elapsed });
    const before = await sessionWith(old(12)); // of an earlier run: its own time is all there is
    expect(await sweeps.sweep()).toBe(2);
    expect(await kept(before)).toEqual(upTo(2, 12));
    const minutesOld = await sessionWith(Array.from({ length: 25 }, () => NOW));
    clock.wall += 365 * 24 * 60 * 60 * 1000;
    clock.elapsed = 300;
    expect(await sweeps.sweep()).toBe(0);
    clock.elapsed = 700;
    expect(await sweeps.sweep()).toBe(0); // stored after the first sweep, 700 ago, seen by the second, 400 ago
    clock.elapsed = 801;
    expect(await sweeps.sweep()).toBe(15);
    expect(await kept(minutesOld)).toEqual(upTo(15, 25));
    clock.wall = NOW - 1_000_000; // set back: nothing is old
    const afterwards = await sessionWith(Array.from({ length: 25 }, () => clock.wall));
    clock.elapsed = 10_000;
    expect(await sweeps.sweep()).toBe(0);
    expect(await kept(afterwards)).toHaveLength(25);
  });

  test("drops what is beyond the newest of its session and too old; what is only one of the two stays", async () => {
    const both = await sessionWith(old(25));
    const few = await sessionWith(old(10));
    const young = await sessionWith([...old(3), ...Array.from({ length: 40 }, () => NOW - 500)]);
    const none = await sessionWith([]);
    expect(await retention({}).sweep()).toBe(15 + 3);
    expect(await kept(both)).toEqual(upTo(15, 25));
    expect(await kept(few)).toEqual(upTo(0, 10));
    expect(await kept(young)).toEqual(upTo(3, 43));
    expect(await kept(none)).toEqual([]);
    expect(await retention({}).sweep()).toBe(0);
  });

  test("leaves the newest event, which says where the session is, and all of a turn that has not ended", async () => {
    const rest = await sessionWith(old(5));
    const busy = await sessionWith(old(50));
    const unfinishedFrom = (id: string) => (id === busy ? 21 : null);
    await retention({ keepEvents: 1, keepMs: 0, unfinishedFrom }).sweep();
    expect(await kept(rest)).toEqual([5]);
    expect(await kept(busy)).toEqual(upTo(20, 50));
    expect((await store.sessions.get(rest))?.last_seq).toBe(5);
  });

  test("leaves no hole, whatever the clock did, and nothing that it should drop", async () => {
    const age = fc.constantFrom(OLD, OLD, OLD, NOW);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(age, { maxLength: 30 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 20 }),
        fc.option(fc.integer({ min: 1, max: 30 })),
        async (sessions, keepEvents, unfinished) => {
          for (const ages of sessions) {
            const id = await sessionWith(ages);
            await retention({ keepEvents, unfinishedFrom: (of) => (of === id ? unfinished : null) }).sweep();
            const firstYoung = ages.findIndex((timestamp) => timestamp === NOW);
            const goes = Math.min(
              Math.max(0, ages.length - keepEvents),
              firstYoung < 0 ? ages.length : firstYoung,
              (unfinished ?? Infinity) - 1,
            );
            expect(await kept(id)).toEqual(upTo(goes, ages.length));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("goes in small steps, and turns store their events in between", async () => {
    const id = await sessionWith(old(2000));
    bench.log.open(id, 2000);
    const append = appending(bench.log);
    const dropOldest = jest.spyOn(store.events, "dropOldest");
    const sweeping = retention({}).sweep();
    const sizes: number[] = [];
    for (let word = 1; word <= 5; word += 1) {
      await append(id, 1);
      sizes.push((await store.events.bounds(id)).oldest);
    }
    expect(await sweeping).toBe(1990);
    expect(dropOldest.mock.calls.length).toBeGreaterThanOrEqual(10);
    dropOldest.mockRestore();
    expect(sizes.at(-1)).toBeLessThan(1991); // it was not over when five had been stored
    expect(await kept(id)).toEqual(upTo(1990, 2005));
  });

  test("of very many sessions sees each", async () => {
    const ids = await Promise.all(Array.from({ length: 250 }, () => sessionWith(old(12))));
    expect(await retention({}).sweep()).toBe(500);
    for (const id of ids) expect((await store.events.bounds(id)).oldest).toBe(3);
  });
});

describe("retention", () => {
  test("sweeps from its start on, again and again; what could not be dropped goes the next time", async () => {
    const id = await sessionWith(old(12));
    const failing = jest.spyOn(store.events, "spans").mockRejectedValueOnce(new Error("unreadable"));
    const keeper = retention({ sweepEveryMs: 5 });
    keeper.start();
    await eventuallyIs(() => store.events.bounds(id), { oldest: 3, newest: 12 });
    bench.log.open(id, 12);
    await appending(bench.log)(id, 4);
    await eventuallyIs(() => store.events.bounds(id), { oldest: 7, newest: 16 });
    await keeper.stop();
    failing.mockRestore();
  });

  test("that is stopped in a sweep uses the store no more", async () => {
    const id = await sessionWith(old(5000));
    const keeper = retention({});
    const dropOldest = jest.spyOn(store.events, "dropOldest");
    keeper.start();
    await eventually(() => dropOldest.mock.calls.length > 0, "it has begun");
    await keeper.stop();
    const calls = dropOldest.mock.calls.length;
    expect((await store.events.bounds(id)).oldest).toBe(1 + 200 * calls);
    expect(calls).toBeLessThan(24);
    await new Promise((resolve) => setImmediate(resolve));
    expect(dropOldest.mock.calls).toHaveLength(calls);
    dropOldest.mockRestore();
  });
});
