/**
 * Agents of a project through the real Claude Code: a message or a PATCH hands the conversation over. What each agent is
 * told and may use is read off its requests to the model.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { createSession, request, send, storedEvents, stream } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { liveTurn } from "../support/live-turn.ts";
import { startRecordingModel, type RecordingModel } from "../support/recording-model.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "slowly"
text = "one two three four five six"
tokens_per_second = 8
[[reply]]
when = "first"
text = "You first said: {{first_user}}"
[default]
text = "ok: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
let model: RecordingModel;
beforeAll(async () => {
  model = await startRecordingModel(SCRIPT);
  home = makeHome();
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot\n",
    "karta.toml": "[pool]\nspares = 0\n",
    ".claude/agents/billing.md":
      "---\nname: billing\ndescription: Bills.\ntools: Read\nmodel: haiku\n---\nYou are the billing desk.\n",
  });
  const env = { ANTHROPIC_API_KEY: "a-test's", ANTHROPIC_BASE_URL: model.url };
  kartad = await home.start({ offline: false, env });
  await home.operator.addProject(folder, "bot");
});
afterAll(async () => {
  await home.remove();
  await model.stop();
});

/** What the newest request to the model shows of who asked. */
function speaker() {
  const newest = model.requests.at(-1);
  if (newest === undefined) throw new Error("the model was not asked");
  return {
    isBilling: newest.system.includes("You are the billing desk."),
    mayWrite: newest.tools.includes("Write"),
    mayRead: newest.tools.includes("Read"),
    isHaiku: newest.model.includes("haiku"),
  };
}
const BILLING = { isBilling: true, mayWrite: false, mayRead: true, isHaiku: true };
const DEFAULT = { isBilling: false, mayWrite: true, mayRead: true, isHaiku: false };

const handOffs = async (id: string) =>
  (await storedEvents(kartad.url, id)).filter(({ type }) => type === "agent_handoff");

const patch = (id: string, body: object) => request(kartad.url, "PATCH", `/v1/sessions/${id}`, body);

test("a conversation goes to an agent by a message and back by a PATCH; each has its own words, tools and model", async () => {
  const { id } = await createSession(kartad.url);
  await send(kartad.url, id, "My favourite is Midnight.");
  expect(speaker()).toEqual(DEFAULT);

  const received = await stream(kartad.url, id, "What did I say first?", { agent: "billing" });
  expect(speaker()).toEqual(BILLING);
  const [handOff] = received.filter(({ event }) => event.type === "agent_handoff");
  expect(handOff?.event).toMatchObject({ data: { from: "default", to: "billing" } });
  expect(handOff?.event.turn_id).not.toBeNull();
  expect(received.at(-1)?.event).toMatchObject({
    data: { message: { text: "You first said: My favourite is Midnight." } },
  });
  // The next message names nobody: the agent stays.
  expect(await send(kartad.url, id, "hello")).toMatchObject({ agent: "billing" });
  expect(speaker()).toEqual(BILLING);

  const patched = await patch(id, { current_agent: "default" });
  expect(patched).toMatchObject({ status: 200, body: { current_agent: "default" } });
  expect(await send(kartad.url, id, "What did I say first?")).toMatchObject({
    agent: "default",
    text: "You first said: My favourite is Midnight.",
  });
  expect(speaker()).toEqual(DEFAULT);
  expect(await handOffs(id)).toMatchObject([
    { data: { from: "default", to: "billing" } },
    { turn_id: null, data: { from: "billing", to: "default" } },
  ]);
});

test("a session that begins with an agent has its instructions, and goes back to the default's", async () => {
  const { id } = await createSession(kartad.url, { agent: "billing" });
  await send(kartad.url, id, "hello");
  expect(speaker()).toEqual(BILLING);
  await send(kartad.url, id, "hello", { agent: "default" });
  expect(speaker()).toEqual(DEFAULT);
});

test("a hand-off by PATCH leaves the running turn alone, and counts for the message that waits behind it", async () => {
  const { id } = await createSession(kartad.url);
  const running = await liveTurn(kartad.url, id, "Count slowly.");
  const waiting = send(kartad.url, id, "And you?");
  await running.until("text");
  expect((await patch(id, { current_agent: "billing" })).status).toBe(200);
  expect((await patch(id, { current_agent: "billing" })).status).toBe(200); // it is so already: no second event
  expect((await running.rest()).at(-1)?.event).toMatchObject({ data: { status: "completed" } });
  expect(await waiting).toMatchObject({ agent: "billing" });
  expect(speaker()).toEqual(BILLING);
  expect(await handOffs(id)).toMatchObject([{ turn_id: null }]);
});

test("an agent that is not the project's is refused, with those that are", async () => {
  const { id } = await createSession(kartad.url);
  const known = { known: ["default", "billing"], error: "unknown_agent" };
  expect(await patch(id, { current_agent: "nobody", metadata: { a: 1 } })).toMatchObject({
    status: 422,
    body: { ...known, issues: [{ path: "current_agent" }] },
  });
  expect(
    await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "hello", agent: "nobody" }),
  ).toMatchObject({ status: 422, body: { ...known, issues: [{ path: "agent" }] } });
  const session = await request(kartad.url, "GET", `/v1/sessions/${id}`);
  expect(session.body).toMatchObject({ current_agent: "default", metadata: {}, last_seq: 0 });
});
