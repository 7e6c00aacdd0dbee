/** What is kept of told conversations, and for how long. */
import { DatabaseSync } from "node:sqlite";
import { expect, jest, test } from "@jest/globals";
import { Conversations } from "../../../daemon/sessions/conversations.ts";
import { sessionBench } from "../../support/sessions.ts";
import { sessionRow, storeBench } from "../../support/store.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

const store = await storeBench();
/** A store keeps its statements: this one has none yet. */
const unasked = await storeBench();
const { sessions } = sessionBench(store, spawnerForTests());
const { conversations } = store.store;
let now = Date.now();
const told = new Conversations({ sessions, conversations, turns: store.store.turns, now: () => now });

/** Says something in a conversation that was told so far; resolves when its answer is stored. @returns its session */
async function say(
  text: string,
  digests: string[] = [],
  { endUser = null, key = null }: { endUser?: string | null; key?: string | null } = {},
): Promise<string> {
  const { sessionId, accepted } = await told.accept(
    { kind: "project", name: "bot", endUser },
    {
      agent: null,
      metadata: endUser === null ? {} : { end_user: endUser },
      sessionId: null,
      digests,
      instructions: null,
      messageFor: () => ({ text }),
      digestAfter: (answer) => `after ${answer}`,
      idempotency: key === null ? null : { key, bodyHash: "same" },
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

const anybodys = { project: "bot", endUser: null };

test("an end user goes on with no conversation of another's, and leaves it where it stands", async () => {
  const adas = await say("same words", [], { endUser: "ada" });
  const digest = "after You said: same words";
  const bens = await say("on", [digest], { endUser: "ben" });
  expect(bens).not.toBe(adas);
  expect(await say("on", [digest], { endUser: "ada" })).toBe(adas);
});

test("a key that another end user has sent finds nothing of theirs", async () => {
  const adas = await say("keyed", [], { endUser: "ada", key: "k1" });
  expect(await say("keyed", [], { endUser: "ada", key: "k1" })).toBe(adas);
  expect(await say("keyed", [], { endUser: "ben", key: "k1" })).not.toBe(adas);
});

test("a place is taken once, and given back", async () => {
  const id = await say("claim");
  const digest = "after You said: claim";
  expect([await conversations.claim(id, digest), await conversations.claim(id, digest)]).toEqual([
    true,
    false,
  ]);
  expect(await conversations.findAt(anybodys, [digest])).toEqual([]);
  await conversations.giveBack(id, digest);
  expect(await conversations.findAt(anybodys, ["other", digest])).toMatchObject([{ session_id: id }]);
  expect(await conversations.findAt({ ...anybodys, project: "other-project" }, [digest])).toEqual([]);
});

test("of many that began alike the one that knows most is found first, and few of the others", async () => {
  const knowsMost = await say("well");
  const others: string[] = [];
  for (let count = 0; count < 25; count += 1) {
    const session = sessionRow();
    others.push(session.id);
    await store.store.sessions.insert(session);
    store.outside
      .prepare("INSERT INTO conversations VALUES (?, 'bot', 'after You said: hello', NULL, 1, ?)")
      .run(session.id, now + count);
  }
  const digests = ["after You said: hello", "after You said: well"];
  const found = (await conversations.findAt(anybodys, digests)).map(({ session_id }) => session_id);
  expect(found).toEqual([knowsMost, ...others.toReversed().slice(0, 19)]);
});

test("of those that began alike the newest are read by an index, and none is sorted", async () => {
  const looking = jest.spyOn(DatabaseSync.prototype, "prepare");
  await unasked.store.conversations.findAt({ ...anybodys, endUser: "ada" }, ["after You said: hello"]);
  const query = looking.mock.calls[0]?.[0] ?? "";
  looking.mockRestore();
  const plan = store.outside
    .prepare(`EXPLAIN QUERY PLAN ${query}`)
    .all(...Array.from(query.matchAll(/\?/g), () => "x"));
  expect(plan.map(({ detail }) => detail)).toEqual([
    "SCAN wanted VIRTUAL TABLE INDEX 1:",
    "SEARCH conversations USING INDEX sqlite_autoindex_conversations_1 (session_id=?)",
    "CORRELATED LIST SUBQUERY 1",
    "SEARCH told USING INDEX conversations_by_digest (project=? AND digest=?)",
    "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (id=?)",
    "USE TEMP B-TREE FOR ORDER BY", // of the twenty newest of each digest
  ]);
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
