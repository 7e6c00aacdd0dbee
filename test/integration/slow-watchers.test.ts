/** Fifty watch one session of a real kartad, five of them never read: the others get all, kartad stays small. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { createSession, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { beginScripted } from "../support/scripted-kartad.ts";
import { eventuallyBelow } from "../support/processes.ts";
import { watch, type Watching } from "../support/watching.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await beginScripted(home);
});
afterAll(() => home.remove());

/** Bytes that kartad holds after a garbage collection. */
async function held(): Promise<number> {
  process.kill(kartad.pid, "SIGUSR2");
  const page = await (await fetch(`${kartad.url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1]);
  return value("nodejs_heap_size_used_bytes") + value("nodejs_external_memory_bytes");
}

const MB = 1024 * 1024;
const WATCHERS = 50;
const STALLED = 5;
/** Turns of 500 events. A long one has a megabyte of text, and as much again in its end, which holds the whole message. */
const LONG = orderText({ events: 500, length: 2000, atOnce: 20 });
const SHORT = orderText({ events: 500, length: 20, atOnce: 20 });
/** The long ones fill what sits between kartad and a reader; the short ones are what passes by then. */
const TURNS = [LONG, LONG, LONG, LONG, LONG, SHORT, SHORT, SHORT];
const EVENTS_A_TURN = 502;

test("45 of 50 watchers get every event; the five that never read are cut off and catch up", async () => {
  const { id } = await createSession(kartad.url);
  await send(kartad.url, id, LONG); // kartad is warm, and the session's process is there
  const start = EVENTS_A_TURN;
  const last = start + TURNS.length * EVENTS_A_TURN;
  const watchers = await Promise.all(
    Array.from({ length: WATCHERS }, (_, index): Promise<Watching> =>
      watch({
        url: kartad.url,
        session: id,
        transport: index % 2 === 0 ? "sse" : "websocket",
        after: start,
        stalled: index < STALLED,
      }),
    ),
  );
  const [slow, quick] = [watchers.slice(0, STALLED), watchers.slice(STALLED)];
  const before = await held();

  for (const order of TURNS) await send(kartad.url, id, order);
  await Promise.all(quick.map((watcher) => watcher.until(last)));
  const all = Array.from({ length: last - start }, (_, index) => start + index + 1);
  for (const { seen } of quick) expect(seen.map(({ seq }) => seq)).toEqual(all);
  // 10 MB came by for each of the five; without a bound, all but what the system took would be held.
  await eventuallyBelow(async () => (await held()) - before, 12 * MB);

  for (const watcher of slow) {
    watcher.read();
    expect(await watcher.ended).toBe("slow_consumer");
    const seqs = watcher.seen.map(({ seq }) => seq);
    expect(seqs.length).toBeLessThan(all.length);
    const rest = await watch({
      url: kartad.url,
      session: id,
      transport: "websocket",
      after: seqs.at(-1) ?? start,
    });
    await rest.until(last);
    expect([...seqs, ...rest.seen.map(({ seq }) => seq)]).toEqual(all);
  }
});
