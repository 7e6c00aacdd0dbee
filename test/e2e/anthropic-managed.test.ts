/** Anthropic's Managed Agents through its official client, a real kartad and the real Claude Code. */
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import { anthropicAt, anthropicOf } from "../support/anthropic.ts";
import { request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventuallyIs } from "../support/processes.ts";
import { ManagedClient, idleReasonOf, textOfEvents } from "../support/managed-agents.ts";

jest.setTimeout(120_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(30)}"
tokens_per_second = 8

[[reply]]
when = "think"
thinking = "Let me see."
text = "Thought."

[[reply]]
when = "write (?<name>\\\\w+)"
tool = { name = "Write", input = { file_path = "$<name>.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"

[[reply]]
when = "ask me"
text = "You chose: {{tool_result}}"
[reply.tool]
name = "AskUserQuestion"
[[reply.tool.input.questions]]
question = "Which roast?"
header = "Roast"
multiSelect = false
options = [{ label = "Sunrise", description = "light" }, { label = "Midnight", description = "dark" }]

[[reply]]
when = "bad request"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[default]
text = "You said: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
let folder: string;
let managed: ManagedClient;

beforeAll(async () => {
  home = makeHome();
  const agent = "---\nname: billing\ndescription: Bills.\n---\nYou are the billing desk.\n";
  folder = home.project("bot", {
    "CLAUDE.md": "# Bot\n",
    "offline.toml": SCRIPT,
    ".claude/agents/billing.md": agent,
  });
  const other = home.project("other", { "CLAUDE.md": "# Other\n", "offline.toml": SCRIPT });
  kartad = await home.start();
  for (const [place, name] of [
    [folder, "bot"],
    [other, "other"],
  ] as const)
    expect(await home.karta(["project", "add", place, name])).toMatchObject({ code: 0 });
  managed = new ManagedClient(anthropicOf(kartad.url), "bot");
});
afterAll(() => home.remove());
beforeEach(() => rmSync(path.join(folder, "one.txt"), { force: true }));

describe("a session", () => {
  test("is made, read, changed, listed and archived", async () => {
    const { sessions } = managed;
    const made = await sessions.create({
      agent: "bot@billing",
      environment_id: "bot",
      title: "Order 17",
      metadata: { order: "17" },
    });
    expect(made).toMatchObject({
      id: expect.stringMatching(/^sess_/),
      type: "session",
      agent: { type: "agent", id: "bot@billing", version: 1 },
      environment_id: "bot",
      status: "idle",
      title: "Order 17",
      metadata: { order: "17" },
      archived_at: null,
    });
    expect(await sessions.retrieve(made.id)).toEqual(made);
    const native = await request(kartad.url, "GET", `/v1/sessions/${made.id}`);
    expect(native.body).toMatchObject({
      current_agent: "billing",
      metadata: { api: "anthropic-managed-agents", order: "17", title: "Order 17" },
    });

    const changed = await sessions.update(made.id, { title: "Order 18", metadata: { order: null, seat: "4" } });
    expect(changed).toMatchObject({ title: "Order 18", metadata: { seat: "4" } });
    expect(await sessions.update(made.id, { title: null })).toMatchObject({ title: null, metadata: { seat: "4" } });

    const archived = await sessions.archive(made.id);
    expect(archived).toMatchObject({ status: "terminated", archived_at: expect.any(String) });
    await expect(sessions.events.send(made.id, { events: [managed.saying("hi")] })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    expect(await Array.fromAsync(await sessions.events.stream(made.id))).toMatchObject([
      { type: "session.status_terminated" },
    ]);
    const gone = await managed.create();
    expect(await sessions.delete(gone)).toEqual({ id: gone, type: "session_deleted" });
  });

  test("is found page by page, by its agent, its status and the time it was made", async () => {
    const ids = [await managed.create(), await managed.create("bot@billing"), await managed.create()];
    const list = async (query: Anthropic.Beta.SessionListParams): Promise<string[]> =>
      (await Array.fromAsync(managed.sessions.list(query))).map(({ id }) => id).filter((id) => ids.includes(id));
    const newestFirst = ids.toReversed();
    expect(await list({ limit: 1 })).toEqual(newestFirst);
    expect(await list({ agent_id: "bot@billing", limit: 2 })).toEqual([ids[1]]);
    expect(await list({ statuses: ["running"] })).toEqual([]);
    const { created_at } = await managed.sessions.retrieve(ids[1] ?? "");
    expect(await list({ "created_at[gte]": created_at, "created_at[lte]": created_at })).toEqual([ids[1]]);
    await managed.sessions.archive(ids[0] ?? "");
    expect(await list({})).toEqual(newestFirst.slice(0, 2));
    expect(await list({ include_archived: true })).toEqual(newestFirst);
    const refused = managed.sessions.list({ order: "asc" });
    await expect(refused).rejects.toThrow(Anthropic.BadRequestError);
  });

  test("of another project is not there", async () => {
    const id = await managed.create();
    const other = anthropicOf(kartad.url, "other");
    await expect(other.beta.sessions.retrieve(id)).rejects.toThrow(Anthropic.NotFoundError);
    await expect(other.beta.sessions.events.list(id)).rejects.toThrow(Anthropic.NotFoundError);
    const all = anthropicAt(`${kartad.url}/v1/anthropic`);
    expect(await all.beta.sessions.retrieve(id)).toMatchObject({ id, environment_id: "bot" });
    await expect(
      all.beta.sessions.create({ agent: "bot", environment_id: "other" }),
    ).rejects.toThrow(Anthropic.BadRequestError);
    await expect(managed.sessions.create({ agent: "nobody", environment_id: "bot" })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    await expect(managed.sessions.create({ agent: "other", environment_id: "other" })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
  });

  test("begins with the events that it was made with; one that is refused makes none", async () => {
    const count = async () => (await Array.fromAsync(managed.sessions.list({ include_archived: true }))).length;
    const before = await count();
    const events = [managed.saying("hello")];
    const made = await managed.sessions.create({ agent: "bot", environment_id: "bot", initial_events: events });
    await eventuallyIs(async () => textOfEvents(await managed.listed(made.id)), "You said: hello");
    const outcome = { type: "user.define_outcome", description: "x", rubric: { type: "text", content: "y" } } as const;
    await expect(
      managed.sessions.create({ agent: "bot", environment_id: "bot", initial_events: [outcome] }),
    ).rejects.toThrow(Anthropic.BadRequestError);
    expect(await count()).toBe(before + 1);
  });
});

describe("a message", () => {
  test("is a turn: the stream tells it from running to idle, and the list holds the same", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id);
    const sent = await managed.send(id, managed.saying("hello"));
    const seen = await stream.untilIdle();
    expect(seen.map(({ type }) => type)).toEqual([
      "user.message",
      "session.status_running",
      "agent.message",
      "session.status_idle",
    ]);
    expect(textOfEvents(seen)).toBe("You said: hello");
    expect(idleReasonOf(seen)).toEqual({ type: "end_turn" });
    expect(sent.data).toMatchObject([{ id: managed.idOf(seen[0]), type: "user.message", processed_at: null }]);
    expect(await managed.listed(id)).toEqual(seen);

    await managed.send(id, managed.saying("and again"));
    const second = await stream.untilIdle();
    expect(textOfEvents(second)).toBe("You said: and again");
    for (const limit of [1, 2, 3, 5])
      expect(await Array.fromAsync(managed.sessions.events.list(id, { limit }))).toEqual([...seen, ...second]);
    const messages = managed.sessions.events.list(id, { types: ["user.message", "agent.message"], limit: 3 });
    expect((await Array.fromAsync(messages)).map(({ type }) => type)).toEqual([
      "user.message",
      "agent.message",
      "user.message",
      "agent.message",
    ]);
    expect((await managed.sessions.retrieve(id)).usage.output_tokens).toBeGreaterThan(0);
    stream.close();
  });

  test("is seen growing by who asks for deltas, while the session runs", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id, ["agent.message"]);
    await managed.send(id, managed.saying("Count slowly."));
    let status: string | null = null;
    let grown = "";
    const seen = await stream.untilIdle(async (event) => {
      if (event.type !== "event_delta") return;
      status ??= (await managed.sessions.retrieve(id)).status;
      grown += event.delta.content.text;
    });
    expect(status).toBe("running");
    const start = seen.find(({ type }) => type === "event_start");
    const whole = seen.find(({ type }) => type === "agent.message");
    expect(start).toMatchObject({ event: { type: "agent.message", id: managed.idOf(whole) } });
    expect(grown).toBe(textOfEvents(seen));
    const native = await request(kartad.url, "GET", `/v1/sessions/${id}/messages`);
    expect(native.body.data).toMatchObject([{}, { role: "assistant", text: grown }]);
    stream.close();
  });

  test("tells of thinking, and of what the application says beside it", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id, ["agent.thinking"]);
    await managed.send(id, managed.saying("think about it"));
    const seen = await stream.untilIdle();
    expect(seen.filter(({ type }) => /thinking|start|message/.test(type)).map(({ type }) => type)).toEqual([
      "user.message",
      "event_start",
      "agent.thinking",
      "agent.message",
    ]);
    const system = { type: "system.message", content: [{ type: "text", text: "Be brief." }] } as const;
    const { data } = await managed.send(id, managed.saying("hello"), system);
    expect(data).toMatchObject([{ type: "user.message" }, { type: "system.message" }]);
    expect(textOfEvents(await stream.untilIdle())).toContain("Be brief.");
    await expect(managed.send(id, system)).rejects.toThrow(Anthropic.BadRequestError);
    stream.close();
  });

  test("goes on without its client, and whoever comes in the middle sees the whole of what is said", async () => {
    const id = await managed.create();
    const first = await managed.watch(id, ["agent.message"]);
    await managed.send(id, managed.saying("Count slowly."));
    await first.until("event_delta");
    first.close();
    const second = await managed.watch(id);
    expect(await managed.sessions.retrieve(id)).toMatchObject({ status: "running" });
    const seen = await second.untilIdle();
    expect(seen.map(({ type }) => type)).toEqual(["agent.message", "session.status_idle"]);
    expect(textOfEvents(seen).trim()).toBe("and so on ".repeat(30).trim());
    second.close();
  });

  test("that is sent twice with one key runs once", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id);
    const options = { headers: { "Idempotency-Key": "order-17" } };
    const body = { events: [managed.saying("hello")] };
    const [one, two] = await Promise.all([
      managed.sessions.events.send(id, body, options),
      managed.sessions.events.send(id, body, options),
    ]);
    expect(one.data?.map(managed.idOf)).toEqual(two.data?.map(managed.idOf));
    await stream.untilIdle();
    expect((await managed.listed(id)).filter(({ type }) => type === "user.message")).toHaveLength(1);
    stream.close();
  });

  test("that fails ends with a session.error, and the next one is answered", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("bad request"));
    const failed = await stream.untilIdle();
    expect(failed.find(({ type }) => type === "session.error")).toMatchObject({
      error: { type: "model_request_failed_error", retry_status: { type: "exhausted" } },
    });
    expect(idleReasonOf(failed)).toEqual({ type: "retries_exhausted" });
    await managed.send(id, managed.saying("hello"));
    expect(textOfEvents(await stream.untilIdle())).toBe("You said: hello");
    stream.close();
  });
});

describe("what the agent asks", () => {
  const written = (): boolean => existsSync(path.join(folder, "one.txt"));

  test("is allowed by the id of its tool use, and the tool runs", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("write one"));
    const asked = await stream.untilIdle();
    const use = asked.find(({ type }) => type === "agent.tool_use");
    expect(use).toMatchObject({ name: "Write", input: { content: "a note" } });
    expect(idleReasonOf(asked)).toEqual({ type: "requires_action", event_ids: [managed.idOf(use)] });
    expect(await managed.sessions.retrieve(id)).toMatchObject({ status: "idle" });
    expect(written()).toBe(false);

    const late = await managed.watch(id); // knows what it is about, though it came after the question
    const allow = { type: "user.tool_confirmation", tool_use_id: managed.idOf(use), result: "allow" } as const;
    const { data } = await managed.send(id, allow);
    const done = await stream.untilIdle();
    expect(done.map(({ type }) => type)).toEqual([
      "user.tool_confirmation",
      "session.status_running",
      "agent.tool_result",
      "agent.message",
      "session.status_idle",
    ]);
    expect(data).toMatchObject([{ id: managed.idOf(done[0]), result: "allow" }]);
    expect(done[2]).toMatchObject({ tool_use_id: managed.idOf(use), is_error: false });
    expect(written()).toBe(true);
    expect(await late.untilIdle()).toEqual(done);
    expect(await managed.listed(id)).toEqual([...asked, ...done]);
    await expect(managed.send(id, allow)).rejects.toThrow(Anthropic.BadRequestError);
    stream.close();
    late.close();
  });

  test("is denied, and the agent hears why", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("write one"));
    const use = (await stream.untilIdle()).find(({ type }) => type === "agent.tool_use");
    await managed.send(id, {
      type: "user.tool_confirmation",
      tool_use_id: managed.idOf(use),
      result: "deny",
      deny_message: "Not on a Tuesday.",
    });
    expect(textOfEvents(await stream.untilIdle())).toContain("Not on a Tuesday.");
    expect(written()).toBe(false);
    stream.close();
  });

  test("as a question is a custom tool's use, and is answered by its result", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("ask me"));
    const asked = await stream.untilIdle();
    const question = asked.find(({ type }) => type === "agent.custom_tool_use");
    expect(question).toMatchObject({ name: "AskUserQuestion", input: { questions: [{ question: "Which roast?" }] } });
    expect(idleReasonOf(asked)).toEqual({ type: "requires_action", event_ids: [managed.idOf(question)] });
    await expect(
      managed.send(id, { type: "user.tool_confirmation", tool_use_id: managed.idOf(question), result: "allow" }),
    ).rejects.toThrow(Anthropic.BadRequestError);
    await managed.send(id, {
      type: "user.custom_tool_result",
      custom_tool_use_id: managed.idOf(question),
      content: [{ type: "text", text: "Midnight" }],
    });
    expect(textOfEvents(await stream.untilIdle())).toContain("Midnight");
    stream.close();
  });
});

describe("an interrupt", () => {
  test("ends the running turn; the session goes on", async () => {
    const id = await managed.create();
    const stream = await managed.watch(id, ["agent.message"]);
    await managed.send(id, managed.saying("Count slowly."));
    await stream.until("event_delta");
    const { data } = await managed.send(id, { type: "user.interrupt" });
    const seen = await stream.untilIdle();
    expect(seen.at(-2)).toMatchObject({ type: "user.interrupt", id: data?.[0]?.id });
    expect(idleReasonOf(seen)).toEqual({ type: "end_turn" });
    expect((await storedEvents(kartad.url, id)).at(-1)).toMatchObject({ type: "done", data: { status: "cancelled" } });
    expect((await send(kartad.url, id, "still there?")).text).toBe("You said: still there?");
    stream.close();
  });

  test("of a session at rest is none, and no error", async () => {
    const id = await managed.create();
    expect((await managed.send(id, { type: "user.interrupt" })).data).toMatchObject([{ type: "user.interrupt" }]);
    expect(await managed.listed(id)).toEqual([]);
  });
});

test("agents and environments are the projects', and can be read alone", async () => {
  const { beta } = anthropicOf(kartad.url);
  const agents = await Array.fromAsync(beta.agents.list({ limit: 1 }));
  expect(agents.map(({ id }) => id)).toEqual(["bot", "bot@billing"]);
  expect(await beta.agents.retrieve("bot@billing")).toEqual(agents[1]);
  expect((await Array.fromAsync(beta.environments.list())).map(({ id }) => id)).toEqual(["bot"]);
  expect(await beta.environments.retrieve("bot")).toMatchObject({ type: "environment", config: { type: "cloud" } });
  await expect(beta.environments.retrieve("other")).rejects.toThrow(Anthropic.NotFoundError);
  await expect(beta.agents.create({ name: "mine", model: "claude-sonnet-5-5" })).rejects.toThrow(
    Anthropic.NotFoundError,
  );
});

test("a session that another API made is the same session here", async () => {
  const { body } = await request(kartad.url, "POST", "/v1/sessions", { project: "bot", metadata: { n: 1 } });
  const id = String(body.id);
  await send(kartad.url, id, "hello");
  expect(textOfEvents(await managed.listed(id))).toBe("You said: hello");
  expect(await managed.sessions.retrieve(id)).toMatchObject({ metadata: { n: "1" }, title: null });
});
