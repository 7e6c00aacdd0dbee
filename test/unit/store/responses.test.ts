/** Stored responses: who frees them. */
import { describe, expect, test } from "@jest/globals";
import type { ResponseRow } from "../../../daemon/store/schema.ts";
import { sessionRow, storeBench } from "../../support/store.ts";

const { store } = await storeBench();

async function sessionWith(...seqs: readonly number[]): Promise<string> {
  const session = sessionRow();
  await store.sessions.insert(session);
  const events = Array.from({ length: 10 }, (_, index) => ({
    session_id: session.id,
    seq: index + 1,
    turn_id: null,
    type: "text" as const,
    timestamp: 1,
    data: "{}",
  }));
  await store.events.append(events, []);
  for (const seq of seqs) await store.responses.put(response(session.id, seq));
  return session.id;
}

function response(sessionId: string, seq: number): ResponseRow {
  return {
    id: `resp_${sessionId}_${seq}`,
    session_id: sessionId,
    turn_id: `turn_${seq}`,
    accepted_seq: seq,
    parent_id: null,
    created_at: 1,
    settings: "{}",
    input: "{}",
  };
}
const isThere = async (sessionId: string, seq: number) =>
  (await store.responses.get(`resp_${sessionId}_${seq}`)) !== null;

describe("a response", () => {
  test("goes with its session, and with no other", async () => {
    const [gone, stays] = [await sessionWith(1, 5), await sessionWith(1)];
    await store.sessions.update(gone, { updated_at: 2 });
    expect(await isThere(gone, 1)).toBe(true);
    await store.sessions.update(gone, { archived_at: 2 });
    expect([await isThere(gone, 1), await isThere(gone, 5), await isThere(stays, 1)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("goes with the first event of its turn", async () => {
    const [id, other] = [await sessionWith(1, 4, 5), await sessionWith(1)];
    await store.events.dropOldest(id, { upTo: 4, before: 2, limit: 200 });
    expect(await Promise.all([1, 4, 5].map((seq) => isThere(id, seq)))).toEqual([false, false, true]);
    expect(await isThere(other, 1)).toBe(true);
    expect((await store.responses.newestOf(id))?.accepted_seq).toBe(5);
  });

  test("that is there stays as it is when its request is repeated", async () => {
    const id = await sessionWith(1);
    await store.responses.put({ ...response(id, 1), created_at: 99 });
    expect((await store.responses.get(`resp_${id}_1`))?.created_at).toBe(1);
  });
});
