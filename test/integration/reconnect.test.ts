/**
 * Property: whatever cuts a client off, and whenever kartad dies, what a client sees that comes back with its cursor is
 * 1..n, each once, with one end a turn. `KARTA_PROPERTY_RUNS` asks for more runs, `KARTA_PROPERTY_SEED` for those of a seed.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { createSession, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { beginScripted, startScripted } from "../support/scripted-kartad.ts";
import { watch, type Seen } from "../support/watching.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";
import { EventPageSchema } from "../../shared/protocol/sessions.ts";

const RUNS = Number(process.env.KARTA_PROPERTY_RUNS ?? 20);
const SEED = process.env.KARTA_PROPERTY_SEED;
/** A run that takes longer hangs: it fails, and its seed is told. */
const RUN_MS = 40_000;
jest.setTimeout(60_000 + RUNS * 5000);

let home: TestHome;
/** The one that runs, or will run when the restart is over. */
let kartad: Promise<Kartad>;
beforeAll(async () => {
  home = makeHome();
  kartad = Promise.resolve(await beginScripted(home));
});
afterAll(() => home.remove());

function killAndRestart(): void {
  kartad = kartad.then(async (running) => {
    await running.kill();
    return startScripted(home);
  });
}

/** Asks the kartad that runs; again if it was killed meanwhile. */
async function ask<T>(call: (url: string) => Promise<T>): Promise<T> {
  const asked = kartad;
  try {
    return await call((await asked).url);
  } catch (error) {
    if (asked === kartad) throw error;
    return ask(call);
  }
}

/** A turn, and whether the next is sent before it has ended. */
const turn = fc.record({
  events: fc.nat(40),
  length: fc.constantFrom(1, 1, 300),
  atOnce: fc.integer({ min: 1, max: 10 }),
  pauseMs: fc.constantFrom(0, 0, 1, 5),
  system: fc.constantFrom(0, 0, 2),
  end: fc.constantFrom("completed" as const, "completed" as const, "failed" as const),
  together: fc.boolean(),
});
/** A connection that the client loses, or leaves. */
const connection = fc.oneof(
  fc.record({ transport: fc.constant("sse" as const), cutAfter: fc.integer({ min: 1, max: 4000 }) }),
  fc.record({ transport: fc.constant("websocket" as const), cutAfter: fc.integer({ min: 1, max: 15 }) }),
);
const plan = fc.record({
  sessions: fc.array(
    fc.record({
      turns: fc.array(turn, { minLength: 1, maxLength: 4 }),
      connections: fc.array(fc.tuple(connection, fc.constantFrom("header" as const, "query" as const)), {
        maxLength: 12,
      }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  /** After so many events, over all sessions, kartad is killed. */
  kills: fc.oneof(
    { weight: 2, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 2 }) },
  ),
});

type SessionPlan = Parameters<Parameters<typeof plan.map>[0]>[0]["sessions"][number];

/** Sends every turn. What a kill does to a send is its sender's bad luck: the log has what was accepted. */
async function sendAll(session: string, turns: SessionPlan["turns"]): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (const { together, ...order } of turns) {
    const { url } = await kartad;
    const sending = send(url, session, orderText(order)).catch(() => undefined);
    sent.push(sending);
    if (!together) await sending;
  }
  await Promise.all(sent);
}

/** Watches until it saw `last`; comes back with its cursor each time it is cut off. */
async function follow(
  session: string,
  connections: SessionPlan["connections"],
  last: Promise<number>,
  onSeen: () => void,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const losses = [...connections];
  for (;;) {
    const [loss, by] = losses.shift() ?? [{ transport: "websocket" } as const, "query" as const];
    const after = seen.at(-1)?.seq ?? 0;
    const watching = await ask((url) => watch({ url, session, after, by, onSeen, ...loss }));
    const all = last.then(async (seq) => watching.until(seq)).then(() => "all" as const);
    const how = await Promise.race([watching.ended, all.catch(() => watching.ended)]);
    seen.push(...watching.seen);
    if (how === "all") {
      watching.leave();
      return seen;
    }
  }
}

async function logOf(session: string): Promise<Seen[]> {
  const log: Seen[] = [];
  for (;;) {
    const path = `/v1/sessions/${session}/events?follow=false&include=system&limit=100&after=${log.length}`;
    const { body } = await ask((url) => request(url, "GET", path));
    const { data } = EventPageSchema.parse(body);
    if (data.length === 0) return log;
    log.push(...data.map(({ seq, type, turn_id }) => ({ seq, type, turnId: turn_id })));
  }
}

test("a client that comes back sees 1..n with no gap and no duplicate, and one end a turn", async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ sessions, kills }) => {
      let seenInAll = 0;
      const onSeen = (): void => {
        seenInAll += 1;
        if (kills.includes(seenInAll)) killAndRestart();
      };
      const made: [string, SessionPlan][] = [];
      for (const one of sessions) made.push([(await ask(createSession)).id, one]);
      await Promise.all(
        made.map(async ([id, { turns, connections }]) => {
          const sent = sendAll(id, turns).then(async () => (await logOf(id)).length);
          const seen = await follow(id, connections, sent, onSeen);
          const log = await logOf(id);
          expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
          expect(seen).toEqual(log);
          const accepted = log.flatMap(({ type, turnId }) => (type === "message" ? turnId : []));
          const ends = log.flatMap(({ type, turnId }) => (type === "done" || type === "error" ? turnId : []));
          expect([...ends].sort()).toEqual([...accepted].sort());
          await ask((url) => request(url, "DELETE", `/v1/sessions/${id}`));
        }),
      );
    }),
    {
      numRuns: RUNS,
      endOnFailure: true,
      timeout: RUN_MS,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
    },
  );
});
