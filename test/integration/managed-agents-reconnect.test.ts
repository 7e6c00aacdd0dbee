/**
 * The managed-agents stream over connections that break anywhere and a kartad that is killed: a client that comes back with
 * the last `seq` it saw has, in the end, the very events of the session, each once, in order.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { orderText } from "../fixtures/scripted-kartad/order.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { isStop, ManagedAgentsClient, type Event } from "../support/managed-agents.ts";
import { beginScripted, startScripted } from "../support/scripted-kartad.ts";

const RUNS = Number(process.env.KARTA_PROPERTY_RUNS ?? 15);
jest.setTimeout(60_000 + RUNS * 5000);

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await beginScripted(home);
});
afterAll(() => home.remove());

const client = (): ManagedAgentsClient => new ManagedAgentsClient(`${kartad.url}/v1/projects/bot`);

const turn = fc.record({
  events: fc.nat(40),
  length: fc.constantFrom(1, 300),
  atOnce: fc.integer({ min: 1, max: 10 }),
  pauseMs: fc.constantFrom(0, 1, 5),
  system: fc.constantFrom(0, 2),
  end: fc.constantFrom("completed" as const, "completed" as const, "failed" as const),
});
/** After so many events the client leaves, or kartad is killed under it; then it comes back. */
const loss = fc.record({
  after: fc.integer({ min: 1, max: 12 }),
  isKill: fc.constantFrom(false, false, false, true),
});

/** Reads to the turn's end, over each of the losses. */
async function followOver(
  id: string,
  from: number,
  losses: { after: number; isKill: boolean }[],
): Promise<Event[]> {
  const seen: Event[] = [];
  for (;;) {
    const next = losses.shift();
    const leave = new AbortController();
    try {
      let count = 0;
      for await (const event of client().stream(id, seen.at(-1)?.seq ?? from, leave.signal)) {
        seen.push(event);
        count += 1;
        if (isStop(event)) continue; // it closes by itself
        if (count === next?.after) {
          if (!next.isKill) break;
          await kartad.kill();
          kartad = await startScripted(home);
          break;
        }
      }
    } catch (error) {
      if (next?.isKill !== true) throw error; // the connection broke off with kartad
    } finally {
      leave.abort();
    }
    if (isStop(seen.at(-1))) return seen;
  }
}

test("what a client has seen in the end is the session", async () => {
  const plan = fc.array(fc.tuple(turn, fc.array(loss, { maxLength: 6 })), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(plan, async (turns) => {
      const id = await client().create();
      const seen: Event[] = [];
      for (const [order, losses] of turns) {
        const from = seen.at(-1)?.seq ?? 0;
        await client().say(id, orderText(order));
        seen.push(...(await followOver(id, from, [...losses])));
      }
      const { events, status } = await client().get(id);
      expect(seen).toEqual(events);
      expect(status).toBe("idle");
      expect(events.filter(isStop)).toHaveLength(turns.length);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});
