/** Anthropic's Messages through its official client, a real kartad and the real Claude Code. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import { anthropicAt, anthropicOf, saying, sessionIn, textIn } from "../support/anthropic.ts";
import { createSession, request, send } from "../support/api.ts";
import type { Kartad, TestHome } from "../support/kartad.ts";
import { anthropicScene } from "./support/anthropic-scene.ts";

jest.setTimeout(120_000);

let home: TestHome;
let kartad: Kartad;
let client: Anthropic;
/** The same in one session, where it does not matter which: each new one is a start of Claude Code. */
let talk: Anthropic;

beforeAll(async () => {
  ({ home, kartad } = await anthropicScene());
  client = anthropicOf(kartad.url);
  const { id } = await createSession(kartad.url, { project: "bot" });
  talk = anthropicOf(kartad.url, "bot", { defaultHeaders: { "X-Karta-Session": id } });
});
afterAll(() => home.remove());

describe("a message", () => {
  test("whole: the same words as the native API's, in Anthropic's form", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const native = await send(kartad.url, id, "hello");
    const {
      data: message,
      response,
      request_id,
    } = await client.messages.create(saying("hello")).withResponse();
    expect(textIn(message)).toBe(native.text);
    expect(message).toEqual({
      id: expect.stringMatching(/^msg_\w{24}$/),
      type: "message",
      role: "assistant",
      model: "bot",
      content: [{ type: "text", text: native.text, citations: null }],
      stop_reason: "end_turn",
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: expect.objectContaining({
        input_tokens: expect.any(Number),
        output_tokens: native.usage.output_tokens,
        cache_read_input_tokens: null,
      }),
    });
    expect(message.usage.input_tokens).toBeGreaterThan(0);
    expect(request_id).toBe(response.headers.get("X-Request-Id"));
    expect(response.headers.get("x-should-retry")).toBe("false");
    const session = await request(kartad.url, "GET", `/v1/sessions/${sessionIn(response)}`);
    expect(session.body).toMatchObject({ metadata: { api: "anthropic-messages" }, turn: null });
  });

  test("streamed: Anthropic's events in their order, joined the same words, with the usage at the end", async () => {
    const whole = await talk.messages.create(saying("hello"));
    const stream = await talk.messages.create({ ...saying("hello"), stream: true });
    const events = await Array.fromAsync(stream);
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type !== "content_block_delta")).toEqual([
      "message_start",
      "content_block_start",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(types.filter((type) => type === "content_block_delta").length).toBeGreaterThan(3);
    expect(types.slice(0, 3)).toEqual(["message_start", "content_block_start", "content_block_delta"]);
    expect(types.slice(-3)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
    const text = events.map((event) =>
      event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : "",
    );
    expect(text.join("")).toBe(textIn(whole));
    expect(events.find(({ type }) => type === "message_delta")).toMatchObject({
      delta: { stop_reason: "end_turn" },
      usage: { output_tokens: whole.usage.output_tokens },
    });
  });

  test("by the stream helper: deltas while the turn runs, and the message they add up to", async () => {
    const stream = talk.messages.stream(saying("Count slowly."));
    const { response } = await stream.withResponse();
    const sessionId = sessionIn(response);
    let running: unknown = null;
    let joined = "";
    for await (const event of stream) {
      if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
      joined += event.delta.text;
      running ??= (await request(kartad.url, "GET", `/v1/sessions/${sessionId}`)).body.turn;
    }
    expect(running).toMatchObject({ state: "running" });
    const message = await stream.finalMessage();
    expect(await stream.finalText()).toBe(joined);
    expect(joined.trim()).toBe("and so on ".repeat(30).trim());
    expect(message).toMatchObject({ stop_reason: "end_turn", model: "bot" });
    expect(message.usage.input_tokens).toBeGreaterThan(0);
    expect(message.usage.output_tokens).toBeGreaterThan(0);
  });

  test("is the same to the client's beta calls", async () => {
    const whole = await talk.messages.create(saying("hello"));
    expect(textIn(whole)).toContain("hello");
    expect(await talk.beta.messages.stream(saying("hello")).finalText()).toBe(textIn(whole));
    expect(
      (await talk.beta.messages.create({ ...saying("hello"), betas: ["files-api-2025-04-14"] })).content,
    ).toEqual(whole.content);
  });

  test("with thinking: a block of it before the text, whole and streamed; and none when it is not asked for", async () => {
    const thinking = { type: "adaptive" } as const;
    const whole = await talk.messages.create({ ...saying("think about it"), thinking });
    expect(whole.content).toMatchObject([
      { type: "thinking", thinking: "Let me see." },
      { type: "text", text: "Thought." },
    ]);
    const streamed = await talk.messages.stream({ ...saying("think about it"), thinking }).finalMessage();
    expect(streamed.content).toEqual(whole.content);
    for (const quiet of [
      undefined,
      { type: "disabled" },
      { type: "adaptive", display: "omitted" },
    ] as const) {
      const message = await talk.messages.create({
        ...saying("think about it"),
        ...(quiet === undefined ? {} : { thinking: quiet }),
      });
      expect(message.content.map(({ type }) => type)).toEqual(["text"]);
    }
  });

  test("of an agent that uses a tool: one text, and pings that say so to those who look", async () => {
    const said = await talk.messages.create(saying("please write it down"));
    expect(said.content).toHaveLength(1);
    expect(textIn(said)).toContain("The tool said: ");
    const response = await fetch(`${kartad.url}/v1/projects/bot/anthropic/v1/messages`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...saying("please write it down"), stream: true }),
    });
    const frames = (await response.text()).split("\n\n");
    expect(frames.filter((frame) => frame.startsWith("event: ping")).join("\n")).toMatch(
      /"karta":\{"type":"tool_use".*"tool_name":"Write"[^]*"karta":\{"type":"tool_result"/,
    );
  });

  test("with an image reaches the agent with its text", async () => {
    const data =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data } } as const;
    const message = await client.messages
      .create({
        ...saying(""),
        messages: [{ role: "user", content: [image, { type: "text", text: "What is this?" }] }],
      })
      .withResponse();
    expect(textIn(message.data)).toContain("[Image: source: "); // Claude Code's own words about it, after the person's
    const { body } = await request(kartad.url, "GET", `/v1/sessions/${sessionIn(message.response)}/messages`);
    expect(body.data).toMatchObject([{ role: "user", text: "What is this?" }, { role: "assistant" }]);
  });
});

describe("a conversation", () => {
  test("that is told anew with each message goes on in the same session, and the agent remembers", async () => {
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: "My name is Ada." }];
    const first = await client.messages.create({ ...saying(""), messages }).withResponse();
    messages.push({ role: "assistant", content: first.data.content }, { role: "user", content: "how many?" });
    const second = await client.messages.create({ ...saying(""), messages }).withResponse();
    expect(sessionIn(second.response)).toBe(sessionIn(first.response));
    expect(textIn(second.data)).toBe("This is your message number 2; the first was: My name is Ada.");

    messages.push(
      { role: "assistant", content: textIn(second.data) },
      { role: "user", content: "how many?" },
    );
    const third = client.messages.stream({ ...saying(""), messages });
    expect(sessionIn((await third.withResponse()).response)).toBe(sessionIn(first.response));
    expect(await third.finalText()).toContain("message number 3");
  });

  test("that no session has held is told to a new one", async () => {
    const message = await client.messages
      .create({
        ...saying(""),
        messages: [
          { role: "user", content: "My name is Grace." },
          { role: "assistant", content: "Hello Grace!" },
          { role: "user", content: "And what did I say?" },
        ],
      })
      .withResponse();
    expect(textIn(message.data)).toMatch(/My name is Grace\.[^]*Hello Grace![^]*And what did I say\?/);
    const { body } = await request(kartad.url, "GET", `/v1/sessions/${sessionIn(message.response)}/messages`);
    expect(body.data).toMatchObject([{ role: "user", text: "And what did I say?" }, { role: "assistant" }]);
  });

  test("tells its instructions when they are new or changed", async () => {
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: "hello" }];
    const ask = async (system: string): Promise<string> => {
      const text = textIn(await client.messages.create({ ...saying(""), system, messages }));
      messages.push({ role: "assistant", content: text }, { role: "user", content: "hello again" });
      return text;
    };
    expect(await ask("Answer in French.")).toContain("Answer in French.");
    expect(await ask("Answer in French.")).not.toContain("French");
    expect(await ask("Answer in Dutch.")).toContain("Answer in Dutch.");
  });

  test("is another one's for each user, and the one that a header names", async () => {
    const ask = (user: string, headers = {}) =>
      client.messages.create({ ...saying("hello"), metadata: { user_id: user } }, { headers }).withResponse();
    const ada = await ask("ada");
    const session = sessionIn(ada.response);
    const { body } = await request(kartad.url, "GET", `/v1/sessions/${session}`);
    expect(body.metadata).toEqual({ api: "anthropic-messages", user_id: "ada" });
    const history: Anthropic.MessageParam[] = [
      { role: "user", content: "hello" },
      { role: "assistant", content: ada.data.content },
      { role: "user", content: "how many?" },
    ];
    const asGrace = { ...saying(""), messages: history, metadata: { user_id: "grace" } };
    const grace = await client.messages.create(asGrace).withResponse();
    expect(sessionIn(grace.response)).not.toBe(session);
    const named = await client.messages
      .create(saying("how many?"), { headers: { "X-Karta-Session": session } })
      .withResponse();
    expect(sessionIn(named.response)).toBe(session);
    expect(textIn(named.data)).toContain("message number 2");
  });
});

describe("the bases", () => {
  test("of a project, of an organisation's agent, and of all projects with the project as model", async () => {
    for (const [base, model] of [
      ["/v1/projects/bot/anthropic", "claude-sonnet-5-5"],
      ["/local/bot/v1/anthropic", "bot"],
      ["/v1/anthropic", "bot"],
      ["/v1/anthropic", "bot@dev"],
    ] as const) {
      const message = await anthropicAt(kartad.url + base).messages.create({ ...saying("hello"), model });
      expect(textIn(message)).toBe("You said: hello. ☕ That is all.");
      expect(message.model).toBe(model.startsWith("claude") ? "bot" : model);
    }
  });

  test("list the projects and their agents as models", async () => {
    const ids = async (base: string, query = {}) =>
      (await Array.fromAsync(anthropicAt(kartad.url + base).models.list(query))).map(({ id }) => id).sort();
    expect(await ids("/v1/anthropic")).toEqual(["bot", "bot@billing", "careful", "careful@billing"]);
    expect(await ids("/v1/anthropic", { limit: 1 })).toEqual([
      "bot",
      "bot@billing",
      "careful",
      "careful@billing",
    ]);
    expect(await ids("/v1/projects/bot/anthropic")).toEqual(["bot", "bot@billing"]);
    for (const query of [{ after_id: "gone" }, { before_id: "gone" }])
      await expect(ids("/v1/anthropic", query)).rejects.toThrow(Anthropic.BadRequestError);
    expect(await client.models.retrieve("bot@billing")).toMatchObject({ id: "bot@billing", type: "model" });
    await expect(client.models.retrieve("careful")).rejects.toThrow(Anthropic.NotFoundError);
    const billed = await client.messages.create({ ...saying("hello"), model: "bot@billing" }).withResponse();
    expect(billed.data.model).toBe("bot@billing");
    const { body } = await request(kartad.url, "GET", `/v1/sessions/${sessionIn(billed.response)}`);
    expect(body.current_agent).toBe("billing");
  });

  test("count tokens by an estimate", async () => {
    const count = async (system: string) =>
      (
        await client.messages.countTokens({
          model: "bot",
          system,
          messages: saying("x".repeat(400)).messages,
        })
      ).input_tokens;
    expect(await count("")).toBe(104);
    expect(await count("y".repeat(40))).toBe(114);
  });
});
