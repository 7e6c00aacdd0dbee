/** What is sent to a managed session, and what is seen of it, through Anthropic's official client and the real Claude Code. */
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import { request, send, storedEvents } from "../support/api.ts";
import { idleReasonOf, textOfEvents, type ManagedClient } from "../support/anthropic-sessions.ts";
import { managedScene, type ManagedScene } from "./support/managed-scene.ts";

jest.setTimeout(120_000);

let scene: ManagedScene;
let managed: ManagedClient;
beforeAll(async () => {
  scene = await managedScene();
  ({ managed } = scene);
});
beforeEach(() => rmSync(path.join(scene.folder, "one.txt"), { force: true }));
afterAll(() => scene.home.remove());

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
    expect(sent.data).toMatchObject([
      { id: managed.idOf(seen[0]), type: "user.message", processed_at: null },
    ]);
    expect(await managed.listed(id)).toEqual(seen);

    await managed.send(id, managed.saying("and again"));
    const second = await stream.untilIdle();
    expect(textOfEvents(second)).toBe("You said: and again");
    for (const limit of [1, 2, 3, 5])
      expect(await Array.fromAsync(managed.sessions.events.list(id, { limit }))).toEqual([
        ...seen,
        ...second,
      ]);
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
    const native = await request(scene.kartad.url, "GET", `/v1/sessions/${id}/messages`);
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
    const system = {
      type: "system.message" as const,
      content: [{ type: "text" as const, text: "Be brief." }],
    };
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
    expect(one.data?.map(({ id: event }) => event)).toEqual(two.data?.map(({ id: event }) => event));
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
  const written = (): boolean => existsSync(path.join(scene.folder, "one.txt"));

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
    const allow = {
      type: "user.tool_confirmation",
      tool_use_id: managed.idOf(use),
      result: "allow",
    } as const;
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
    expect(question).toMatchObject({
      name: "AskUserQuestion",
      input: { questions: [{ question: "Which roast?" }] },
    });
    expect(idleReasonOf(asked)).toEqual({ type: "requires_action", event_ids: [managed.idOf(question)] });
    await expect(
      managed.send(id, {
        type: "user.tool_confirmation",
        tool_use_id: managed.idOf(question),
        result: "allow",
      }),
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
    expect((await storedEvents(scene.kartad.url, id)).at(-1)).toMatchObject({
      type: "done",
      data: { status: "cancelled" },
    });
    expect((await send(scene.kartad.url, id, "still there?")).text).toBe("You said: still there?");
    stream.close();
  });

  test("of a session at rest is none, and no error", async () => {
    const id = await managed.create();
    expect((await managed.send(id, { type: "user.interrupt" })).data).toMatchObject([
      { type: "user.interrupt" },
    ]);
    expect(await managed.listed(id)).toEqual([]);
  });
});
