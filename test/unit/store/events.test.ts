import { describe, expect, test } from "@jest/globals";
import type { NewEventRow } from "../../../daemon/store/events.ts";
import type { TurnRow } from "../../../daemon/store/schema.ts";
import { newId } from "../../../shared/ids.ts";
import { sessionRow, storeBench } from "../../support/store.ts";

const bench = await storeBench();
const { store } = bench;

function rows(sessionId: string, from: number, count: number): NewEventRow[] {
  return Array.from({ length: count }, (_, index) => ({
    session_id: sessionId,
    seq: from + index,
    turn_id: null,
    type: "text",
    timestamp: 1,
    data: "{}",
  }));
}

function turnRow(sessionId: string): TurnRow {
  return {
    id: newId("turn"),
    session_id: sessionId,
    agent: "default",
    state: "queued",
    created_at: 1,
    started_at: null,
    ended_at: null,
    input_tokens: 0,
    output_tokens: 0,
    cost_usd: null,
    idempotency_key: null,
    idempotency_hash: null,
  };
}

const seqs = async (sessionId: string) => (await store.events.page(sessionId, 0, 5000)).map((row) => row.seq);

describe("an append", () => {
  test("gives ids that follow each other in the order of its rows, over several statements", async () => {
    const id = newId("sess");
    const lastId = await store.events.append(rows(id, 1, 1203), []);
    const stored = await store.events.pageInOrder(id, 0, 5000);
    expect(stored.map((row) => row.seq)).toEqual(Array.from({ length: 1203 }, (_, index) => index + 1));
    expect(stored.map((row) => row.id)).toEqual(stored.map((_, index) => lastId - 1202 + index));
    expect(await store.events.newestId()).toBe(lastId);
  });

  test("that fails in its last statement leaves nothing of the first ones", async () => {
    const id = newId("sess");
    bench.breakWrites("INSERT ON events", "NEW.seq = 1100");
    await expect(store.events.append(rows(id, 1, 1203), [])).rejects.toThrow("broken on purpose");
    expect(await seqs(id)).toEqual([]);
    bench.mendWrites();
    await store.events.append(rows(id, 1, 2), []);
    expect(await seqs(id)).toEqual([1, 2]);
  });

  test("that fails in the middle of one statement leaves nothing of it", async () => {
    const id = newId("sess");
    bench.breakWrites("INSERT ON events", "NEW.seq = 3");
    await expect(store.events.append(rows(id, 1, 5), [])).rejects.toThrow("broken on purpose");
    expect(await seqs(id)).toEqual([]);
    bench.mendWrites();
  });

  test("that fails leaves no turn row either, and no change of one", async () => {
    const session = sessionRow();
    await store.sessions.insert(session);
    const old = turnRow(session.id);
    await store.events.append(rows(session.id, 1, 1), [{ kind: "turn_opened", row: old }]);
    bench.breakWrites("INSERT ON events");
    const failing = store.events.append(rows(session.id, 2, 1), [
      { kind: "turn_opened", row: turnRow(session.id) },
      { kind: "turn", id: old.id, change: { state: "failed", ended_at: 9 } },
    ]);
    await expect(failing).rejects.toThrow("broken on purpose");
    bench.mendWrites();
    expect(await store.turns.listLive()).toEqual([old]);
    await store.turns.update(old.id, { ended_at: 9 });
  });

  test("that SQLite itself rolled back, as it does on a full disk, leaves the store in order", async () => {
    const session = sessionRow();
    await store.sessions.insert(session);
    bench.outside.exec(
      "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END",
    );
    const turn = turnRow(session.id);
    await expect(
      store.events.append(rows(session.id, 1, 1), [{ kind: "turn_opened", row: turn }]),
    ).rejects.toThrow("the disk is full");
    bench.outside.exec("DROP TRIGGER full");
    expect(await store.turns.listLive()).toEqual([]);
    await store.events.append(rows(session.id, 1, 1), [{ kind: "turn_opened", row: turn }]);
    expect(await seqs(session.id)).toEqual([1]);
    await store.turns.update(turn.id, { ended_at: 9 });
  });

  test("refuses a seq that is taken", async () => {
    const id = newId("sess");
    await store.events.append(rows(id, 1, 3), []);
    await expect(store.events.append(rows(id, 3, 2), [])).rejects.toThrow("UNIQUE");
    expect(await seqs(id)).toEqual([1, 2, 3]);
  });

  test("of many at once, with other queries in between, keeps each whole", async () => {
    const ids = Array.from({ length: 20 }, () => newId("sess"));
    await Promise.all(
      ids.flatMap((id) => [store.events.append(rows(id, 1, 700), []), store.events.newestId(), seqs(id)]),
    );
    for (const id of ids) expect(await seqs(id)).toHaveLength(700);
  });
});

describe("a page of events", () => {
  test("is what comes after the cursor, at most `limit`, of this session alone", async () => {
    const id = newId("sess");
    const other = newId("sess");
    await store.events.append([...rows(id, 1, 3), ...rows(other, 1, 3), ...rows(id, 4, 3)], []);
    expect((await store.events.page(id, 2, 3)).map((row) => row.seq)).toEqual([3, 4, 5]);
    expect((await store.events.page(id, 5, 3)).map((row) => row.seq)).toEqual([6]);
    expect(await store.events.page(id, 6, 3)).toEqual([]);
    expect(await store.events.bounds(id)).toEqual({ oldest: 1, newest: 6 });
    expect(await store.events.bounds(newId("sess"))).toEqual({ oldest: 0, newest: 0 });
  });

  test("in the order over all sessions mixes them as they were stored", async () => {
    const start = await store.events.newestId();
    const [a, b] = [newId("sess"), newId("sess")];
    await store.events.append([...rows(a, 1, 1), ...rows(b, 1, 1), ...rows(a, 2, 1)], []);
    const all = await store.events.pageInOrder(null, start, 10);
    expect(all.map((row) => [row.session_id, row.seq])).toEqual([
      [a, 1],
      [b, 1],
      [a, 2],
    ]);
    expect((await store.events.pageInOrder(a, start, 10)).map((row) => row.seq)).toEqual([1, 2]);
  });
});
