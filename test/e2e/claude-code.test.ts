/** The real Claude Code behind the real kartad, over HTTP. Only the model is scripted. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { createSession, frames, openTurn, request, send, stream, textOf } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 30
tokens_per_second = 50

[[reply]]
when = "roasts"
text = "Welcome! We've got Sunrise, Midnight and Decaf Dusk, each of them roasted this very week."

[[reply]]
when = "what did i (say|ask) first"
text = "You first said: {{first_user}} (turn {{turn}})"

[[reply]]
when = "slowly"
text = "one two three four five six seven eight nine ten eleven twelve"
tokens_per_second = 4

[[reply]]
when = "write it down"
tool = { name = "Write", input = { file_path = "note.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"

[[reply]]
when = "think"
thinking = "Let me see."
text = "Seen."

[[reply]]
when = "bad request"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[[reply]]
when = "bad key"
error = { status = 401, type = "authentication_error", message = "invalid x-api-key" }

[default]
text = "ok: {{last_user}}"
`;

describe("a support bot on the real harness", () => {
  let home: TestHome;
  let kartad: Kartad;
  let project: string;

  beforeAll(async () => {
    home = makeHome();
    project = home.project("bot", { "CLAUDE.md": "# Beans\n\nYou are Beans.\n", "offline.toml": SCRIPT });
    kartad = await home.start();
    const added = await home.karta(["project", "add", project, "bot", "--json"]);
    expect(added).toMatchObject({ code: 0 });
  });
  afterAll(() => home.remove());

  test("text arrives in frames spread over time, and ends in one done", async () => {
    const { id } = await createSession(kartad.url, { metadata: { visitor: "v1" } });
    const received = await stream(kartad.url, id, "What roasts do you have?");
    const texts = received.filter(({ event }) => event.type === "text");
    expect(texts.length).toBeGreaterThanOrEqual(5);
    const spread = (texts.at(-1)?.at ?? 0) - (texts[0]?.at ?? 0);
    expect(spread).toBeGreaterThan(100); // fifteen words at 50 a second; one chunk at the end would be 0
    expect(textOf(received)).toContain("Sunrise, Midnight and Decaf Dusk");
    const last = received.at(-1)?.event;
    expect(last).toMatchObject({
      type: "done",
      data: { status: "completed", message: { text: textOf(received) } },
    });
    expect(received.filter(({ event }) => event.type === "done" || event.type === "error")).toHaveLength(1);
    expect(received.some(({ event }) => event.type === "message" || event.type === "system")).toBe(false);
    if (last?.type === "done") expect(last.data.usage.output_tokens).toBeGreaterThan(0);
  });

  test("the harness holds the history: over turns, over a restart, over a kill -9 in the middle of a stream", async () => {
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, "My favourite is Midnight.");
    expect((await send(kartad.url, id, "What did I say first?")).text).toContain("My favourite is Midnight.");

    await kartad.stop();
    expect(processesWith(home.folder)).toEqual([]);
    kartad = await home.start();
    expect((await send(kartad.url, id, "What did I say first?")).text).toContain("My favourite is Midnight.");

    const reading = frames(await openTurn(kartad.url, id, "Count slowly."));
    for await (const { event } of reading) if (event.type === "text") break;
    const before = processesWith(home.folder);
    expect(before.some(({ command }) => command.includes("claude"))).toBe(true);
    await kartad.kill();
    await eventually(
      () => processesWith(home.folder).length === 0,
      "every process of the killed kartad is gone",
    );

    kartad = await home.start();
    const { body } = await request(kartad.url, "GET", "/v1/sessions?limit=200");
    expect(JSON.stringify(body.data)).toContain(id);
    const events = await request(kartad.url, "GET", `/v1/sessions/${id}/events?follow=false&limit=1000`);
    const list = events.body.data;
    expect(list).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: "error",
          data: expect.objectContaining({ code: "daemon_restarted" }),
        }),
      ]),
    );
    if (!Array.isArray(list)) throw new Error("no list");
    expect(list.map((event: { seq: number }) => event.seq)).toEqual(list.map((_, index) => index + 1));
    expect((await send(kartad.url, id, "What did I say first?")).text).toContain("My favourite is Midnight.");
  });

  test("an autonomous session may use its tools", async () => {
    const { id } = await createSession(kartad.url, { permission_mode: "autonomous" });
    const result = await send(kartad.url, id, "Please write it down.");
    expect(result.status).toBe("completed");
    expect(existsSync(path.join(project, "note.txt"))).toBe(true);
    const parts = result.messages[1]?.parts.map((part) => part.type);
    expect(parts).toEqual(["tool_use", "tool_result", "text"]);
  });

  test("reasoning is sent only when asked for", async () => {
    const { id } = await createSession(kartad.url);
    const silent = await stream(kartad.url, id, "think about it");
    expect(silent.some(({ event }) => event.type === "reasoning")).toBe(false);
    const aloud = await stream(kartad.url, id, "think about it", { thinking: true });
    expect(aloud.filter(({ event }) => event.type === "reasoning").length).toBeGreaterThan(0);
    expect(textOf(aloud)).toBe("Seen.");
  });

  test("a model's error is an error, at once and with its own code", async () => {
    const { id } = await createSession(kartad.url);
    const refused = await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "bad request" });
    expect(refused).toMatchObject({ status: 502, body: { error: "model_error" } });
    expect(String(refused.body.detail)).toContain("no such thing");
    const key = await stream(kartad.url, id, "bad key");
    expect(key.at(-1)?.event).toMatchObject({
      type: "error",
      data: { code: "model_auth", retryable: false },
    });
    expect((await send(kartad.url, id, "and now?")).text).toBe("ok: and now?");
  });

  test("a turn is cancelled in the middle of its text, and the session goes on", async () => {
    const { id } = await createSession(kartad.url);
    const reading = frames(await openTurn(kartad.url, id, "Count slowly."));
    let last;
    for await (const { event } of reading) {
      if (event.type === "text" && last?.type !== "text") {
        const answer = await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`);
        expect(answer.status).toBe(202);
      }
      last = event;
    }
    expect(last).toMatchObject({ type: "done", data: { status: "cancelled" } });
    expect((await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`)).body.error).toBe(
      "no_turn_running",
    );
    expect((await send(kartad.url, id, "still there?")).text).toBe("ok: still there?");
  });

  test("what a user writes is text: a slash command does not reach the operator's commands", async () => {
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, "hello");
    expect((await send(kartad.url, id, "/clear")).text).toBe("ok: /clear");
    expect((await send(kartad.url, id, "what did i say first")).text).toContain("hello");
  });

  test("deleting a session ends its process", async () => {
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, "hello");
    const status = await home.karta(["status", "--json"]);
    expect(status.stdout).toContain(id);
    expect((await request(kartad.url, "DELETE", `/v1/sessions/${id}`)).status).toBe(204);
    expect((await home.karta(["status", "--json"])).stdout).not.toContain(id);
    expect(
      (await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "hello?" })).status,
    ).toBe(404);
  });
});
