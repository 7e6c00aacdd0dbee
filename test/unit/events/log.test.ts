import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LoggedEvent } from "../../../daemon/events/logged-event.ts";
import { KartaError } from "../../../shared/errors.ts";
import type { EventDraft } from "../../../shared/events.ts";
import { newId } from "../../../shared/ids.ts";
import { sessionRow, storeBench } from "../../support/store.ts";

const bench = await storeBench();
const { log, feed, store } = bench;

const text = (said: string): EventDraft => ({
  type: "text",
  data: { part: { type: "text", text: said }, message_id: "msg_1" },
});
const SESSIONS = 4;

/** What may happen, in this order, between turns of the event loop. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      session: fc.nat(SESSIONS - 1),
      count: fc.integer({ min: 0, max: 4 }),
      poisoned: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "turn of the loop" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "reopen" as const }) },
);

describe("the log", () => {
  test("gives each session's stored events 1 to n, whatever is refused in between", async () => {
    bench.breakWrites("INSERT ON events", "NEW.data LIKE '%poison%'");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const ids = Array.from({ length: SESSIONS }, () => newId("sess"));
        for (const id of ids) log.open(id, 0);
        const published: LoggedEvent[] = [];
        const unwatch = feed.watchAll((events) => published.push(...events));
        const appends: Promise<readonly LoggedEvent[] | KartaError>[] = [];
        for (const one of steps) {
          switch (one.kind) {
            case "append":
              appends.push(
                log
                  .append({
                    sessionId: ids[one.session] ?? "",
                    turnId: null,
                    drafts: Array.from({ length: one.count }, () => text(one.poisoned ? "poison" : "fine")),
                  })
                  .catch((error: unknown) => {
                    if (error instanceof KartaError) return error;
                    throw error;
                  }),
              );
              break;
            case "turn of the loop":
              await new Promise((resolve) => setImmediate(resolve));
              break;
            case "reopen": // a session that goes idle and comes back reads its head from the store
              await log.settled();
              for (const id of ids) {
                log.close(id);
                log.open(id, (await store.events.bounds(id)).newest);
              }
          }
        }
        const results = await Promise.all(appends);
        unwatch();
        for (const result of results)
          if (result instanceof KartaError) expect(result.code).toBe("storage_unavailable");
        const told = results.flatMap((result) => (result instanceof KartaError ? [] : result));
        for (const id of ids) {
          const stored = (await store.events.page(id, 0, 1000)).map((row) => row.seq);
          expect(stored).toEqual(Array.from({ length: stored.length }, (_, index) => index + 1));
          expect(published.flatMap((event) => (event.sessionId === id ? event.seq : []))).toEqual(stored);
          expect(told.flatMap((event) => (event.sessionId === id ? event.seq : []))).toEqual(stored);
          expect(log.head(id)).toBe(stored.length);
          log.close(id);
        }
        // Ids are the order over all sessions, and those told are those stored.
        const stored = (await Promise.all(ids.map((id) => store.events.page(id, 0, 1000)))).flat();
        expect(published.map((event) => event.id)).toEqual(stored.map((row) => row.id).sort((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
    bench.mendWrites();
  });

  test("stores the turn's change with the events, or neither", async () => {
    const session = sessionRow();
    await store.sessions.insert(session);
    log.open(session.id, 0);
    bench.breakWrites("INSERT ON events");
    const open = {
      sessionId: session.id,
      turnId: "turn_1",
      drafts: [text("hello")],
      changes: [
        {
          kind: "turn_opened" as const,
          row: {
            id: "turn_1",
            session_id: session.id,
            agent: "default",
            state: "queued" as const,
            created_at: 1,
            started_at: null,
            ended_at: null,
            input_tokens: 0,
            output_tokens: 0,
            cost_usd: null,
            idempotency_key: null,
            idempotency_hash: null,
          },
        },
      ],
    };
    await expect(log.append(open)).rejects.toMatchObject({
      code: "storage_unavailable",
      status: 503,
      retryAfterSeconds: 5,
    });
    expect(await store.turns.listLive()).toEqual([]);
    bench.mendWrites();
    const [event] = await log.append(open);
    expect(event?.seq).toBe(1);
    expect((await store.turns.listLive()).map((turn) => turn.id)).toEqual(["turn_1"]);
  });

  test("refuses an append to a session that is not open, and nobody else's with it", async () => {
    const session = newId("sess");
    log.open(session, 0);
    const refused = log.append({ sessionId: newId("sess"), turnId: null, drafts: [text("lost")] });
    const stored = log.append({ sessionId: session, turnId: null, drafts: [text("kept")] });
    await expect(refused).rejects.toThrow("not open");
    expect((await stored).map((event) => event.seq)).toEqual([1]);
  });

  test("settled() waits for what was appended", async () => {
    const session = newId("sess");
    log.open(session, 0);
    await log.settled();
    void log.append({ sessionId: session, turnId: null, drafts: [text("a"), text("b")] });
    await log.settled();
    expect(log.head(session)).toBe(2);
  });

  test("an event's frame is the spec's, byte for byte, whatever an agent wrote", async () => {
    const session = newId("sess");
    log.open(session, 0);
    const evil = '"\r\n\r\nevent: done\ndata: {}\n\n\u2028\0é😀\ud800';
    const [event] = await log.append({ sessionId: session, turnId: "turn_x", drafts: [text(evil)] });
    const data = { part: { type: "text", text: evil }, message_id: "msg_1" };
    const timestamp = event?.parse().timestamp ?? 0;
    const json = `{"type":"text","seq":1,"session_id":"${session}","turn_id":"turn_x","timestamp":${timestamp},"data":${JSON.stringify(data).replace("\u2028", String.raw`\u2028`)}}`;
    expect(event?.frame).toBe(`id: 1\nevent: text\ndata: ${json}\n\n`);
    expect(event?.parse().data).toEqual(data);
    expect(event?.frame.match(/\n/g)).toHaveLength(4);
    expect(event?.frame.includes("\r")).toBe(false);
  });
});
