/** Clients that watch a session to the end of the run, over as many connections as it takes. */
import { setTimeout as delay } from "node:timers/promises";
import { SessionEventSchema } from "../../../../../shared/events.ts";
import type { Random } from "../../../../support/random.ts";
import { watch, type Watching } from "../../../../support/watching.ts";
import { markOf, type View } from "../ledger.ts";
import { isTrouble, type Play } from "../play.ts";

export interface Watcher {
  readonly view: View;
  /** Leaves when it has seen the event of this seq, or cannot: then its view is not whole. Resolves when it is gone. */
  finish(last: number): Promise<void>;
}

/** How long one may take to catch up when all is quiet. */
const CATCH_UP_MS = 20_000;

async function caughtUp(view: View, last: number): Promise<boolean> {
  const deadline = performance.now() + CATCH_UP_MS;
  while ((view.marks.at(-1)?.seq ?? view.after) < last) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}

/** `karta/client`: it comes back by itself. */
export function feedWatcher({ client, ledger }: Play, session: string): Watcher {
  const view = ledger.view("feed", session, 0);
  const leaving = new AbortController();
  const read = async (): Promise<void> => {
    const events = client.events(session, {
      after: 0,
      include: "system",
      signal: leaving.signal,
      onConnection: (change) => change === "lost" && ledger.count("reconnect:feed"),
    });
    for await (const event of events) view.marks.push(markOf(event));
  };
  const gone = read().catch((error: unknown) => {
    if (!leaving.signal.aborted) ledger.surprise("feed", error);
  });
  return {
    view,
    finish: async (last) => {
      view.isWhole = await caughtUp(view, last);
      leaving.abort();
      await gone;
    },
  };
}

/** Below any client of ours: it tells its cursor itself, loses its connection now and then, or does not read for a while. */
export function rawWatcher(
  { url, ledger }: Play,
  session: string,
  transport: "sse" | "websocket",
  random: Random,
): Watcher {
  const view = ledger.view(transport, session, 0);
  let watching: Watching | null = null;
  const leaving = new AbortController();
  const connect = async (): Promise<void> => {
    const stalled = random.chance(0.15);
    const after = view.marks.at(-1)?.seq ?? view.after;
    watching = await watch({
      url,
      session,
      transport,
      after,
      by: random.pick(["header", "query"]),
      stalled,
      ...(random.chance(0.2)
        ? { cutAfter: 1 + Math.floor(random.next() * (transport === "sse" ? 4000 : 15)) }
        : {}),
      onSeen: ({ json }) => view.marks.push(markOf(SessionEventSchema.parse(JSON.parse(json())))),
    });
    if (stalled) {
      ledger.count("fault:client stops reading");
      await delay(random.next() * 2000);
      watching.read();
    }
    const ending = await watching.ended;
    if (!["slow_consumer", "cut", "broken", "shutting_down", "internal"].includes(ending))
      throw new Error(ending);
  };
  const read = async (): Promise<void> => {
    for (let isFirst = true; !leaving.signal.aborted; isFirst = false) {
      if (!isFirst) ledger.count(`reconnect:${transport}`);
      await connect().catch((error: unknown) => {
        if (!isTrouble(error) && !isAway(error)) ledger.surprise(transport, error);
      });
      await delay(100 + random.next() * 400);
    }
  };
  const gone = read();
  return {
    view,
    finish: async (last) => {
      view.isWhole = await caughtUp(view, last);
      leaving.abort();
      watching?.leave();
      await gone;
    },
  };
}

/** kartad is away or about to be, as `node:http` and `ws` tell of it. */
function isAway(error: unknown): boolean {
  return /ECONNRE|hang up|refused with 503|response: 503|socket/i.test(String(error));
}
