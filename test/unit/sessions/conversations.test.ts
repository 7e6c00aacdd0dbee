/** What is kept of told conversations, and for how long. */
import { expect, test } from "@jest/globals";
import { Conversations } from "../../../daemon/sessions/conversations.ts";
import { sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

const store = await storeBench();
const { sessions } = sessionBench(store, spawnerForTests());
const { conversations } = store.store;
let now = Date.now();
const told = new Conversations({ sessions, conversations, turns: store.store.turns, now: () => now });

/** Says something in a conversation that was told so far; resolves when its answer is stored. @returns its session */
async function say(text: string, digests: string[] = []): Promise<string> {
  const { sessionId, accepted } = await told.accept(
    { kind: "project", name: "bot" },
    {
      agent: null,
      metadata: {},
      sessionId: null,
      digests,
      instructions: null,
      messageFor: () => ({ text }),
      digestAfter: (answer) => `after ${answer}`,
      idempotency: null,
    },
  );
  if (accepted.kind === "live") await accepted.turn.outcome;
  return sessionId;
}

test("nothing of a conversation is kept but digests, stored with its turn's end", async () => {
  const id = await say("a secret");
  expect(await conversations.get(id)).toEqual({
    session_id: id,
    project: "bot",
    digest: "after You said: a secret",
    instructions: null,
    turns: 1,
    updated_at: now,
  });
});

test("a place is taken once, and given back", async () => {
  const id = await say("claim");
  const digest = "after You said: claim";
  expect([await conversations.claim(id, digest), await conversations.claim(id, digest)]).toEqual([
    true,
    false,
  ]);
  expect(await conversations.findAt("bot", [digest])).toEqual([]);
  await conversations.giveBack(id, digest);
  expect(await conversations.findAt("bot", ["other", digest])).toMatchObject([{ session_id: id }]);
  expect(await conversations.findAt("other-project", [digest])).toEqual([]);
});

test("one that nobody went on with for 30 days is begun anew, and its row is gone", async () => {
  const id = await say("old");
  now += 31 * DAY_MS;
  await say("a request that finds it time");
  while ((await conversations.get(id)) !== null) await new Promise((resolve) => setImmediate(resolve));
  expect(await say("on", ["after You said: old"])).not.toBe(id);
});

test("beyond the newest, rows go whatever their age", async () => {
  const ids: string[] = [];
  for (const text of ["one", "two", "three"]) {
    now += 1000;
    ids.push(await say(text));
  }
  await conversations.drop({ before: 0, keep: 2 });
  const kept = await Promise.all(ids.map((id) => conversations.get(id)));
  expect(kept.map((row) => row !== null)).toEqual([false, true, true]);
});
