import { expect, test } from "@jest/globals";
import { z } from "zod";
import { ask, events, post, serve, tools } from "./served.ts";

const SCRIPT = `
  [[reply]]
  when = 'think'
  thinking = "Hm, well"
  text = "Hi there, you"
  [[reply]]
  when = 'save'
  tool = { name = "Write", input = { content = "☕ beans", n = 1 } }
  [[reply]]
  when = 'overload'
  error = { status = 529, type = "overloaded_error", message = "Overloaded" }
  [default]
  text = "one"`;

const delta = (index: number, value: object) => ({ type: "content_block_delta", index, delta: value });

test("a stream: thinking, then text, each event in its order", async () => {
  await using served = await serve(SCRIPT);
  const response = await ask(served.base, "think");
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  expect(await events(response)).toEqual([
    {
      type: "message_start",
      message: {
        id: expect.stringMatching(/^msg_/),
        type: "message",
        role: "assistant",
        model: "claude-opus-5-5",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: expect.objectContaining({ input_tokens: expect.any(Number), output_tokens: 1 }),
      },
    },
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "thinking", thinking: "", signature: "" },
    },
    delta(0, { type: "thinking_delta", thinking: "Hm" }),
    delta(0, { type: "thinking_delta", thinking: "," }),
    delta(0, { type: "thinking_delta", thinking: " well" }),
    delta(0, { type: "signature_delta", signature: expect.any(String) }),
    { type: "content_block_stop", index: 0 },
    { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
    delta(1, { type: "text_delta", text: "Hi" }),
    delta(1, { type: "text_delta", text: " there" }),
    delta(1, { type: "text_delta", text: "," }),
    delta(1, { type: "text_delta", text: " you" }),
    { type: "content_block_stop", index: 1 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: expect.objectContaining({ output_tokens: 7 }),
    },
    { type: "message_stop" },
  ]);
});

test("events carry their names, as Anthropic's do", async () => {
  await using served = await serve(SCRIPT);
  const names = [...(await (await ask(served.base, "x")).text()).matchAll(/^event: (.*)$/gm)];
  expect(names.map(([, name]) => name)).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
});

test("a tool's input comes in parts of JSON, and the stop reason asks for it", async () => {
  await using served = await serve(SCRIPT);
  const found = await events(await ask(served.base, "save"));
  expect(found[1]).toMatchObject({
    content_block: { type: "tool_use", id: expect.stringMatching(/^toolu_/), name: "Write", input: {} },
  });
  const DeltaSchema = z.object({ delta: z.object({ partial_json: z.string() }) });
  const parts = found
    .filter((event) => event.type === "content_block_delta")
    .map((event) => DeltaSchema.parse(event).delta.partial_json);
  expect(parts.length).toBeGreaterThan(3);
  expect(JSON.parse(parts.join(""))).toEqual({ content: "☕ beans", n: 1 });
  expect(found.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
});

test("an answer that is not streamed", async () => {
  await using served = await serve(SCRIPT);
  const body = { model: "m", max_tokens: 9, tools, messages: [{ role: "user", content: "think" }] };
  const response = await post(`${served.base}/v1/messages`, body);
  expect(await response.json()).toMatchObject({
    type: "message",
    model: "m",
    content: [
      { type: "thinking", thinking: "Hm, well", signature: expect.any(String) },
      { type: "text", text: "Hi there, you" },
    ],
    stop_reason: "end_turn",
    usage: { output_tokens: 7 },
  });
});

test.each([true, false])("a scripted error is the API's (stream: %s)", async (stream) => {
  await using served = await serve(SCRIPT);
  const response = await ask(served.base, "overload", { stream });
  expect(response.status).toBe(529);
  expect(await response.json()).toEqual({
    type: "error",
    error: { type: "overloaded_error", message: "Overloaded" },
  });
});

test("token counts grow with the request, and models are listed", async () => {
  await using served = await serve(SCRIPT);
  const count = async (content: string): Promise<unknown> => {
    const body = { model: "m", messages: [{ role: "user", content }] };
    return (await post(`${served.base}/v1/messages/count_tokens?beta=true`, body)).json();
  };
  expect(await count("")).toEqual({ input_tokens: 14 });
  expect(await count("a".repeat(400))).toEqual({ input_tokens: 114 });
  const models = await fetch(`${served.base}/v1/models`);
  expect(await models.json()).toMatchObject({ data: [{ id: "offline" }], has_more: false });
});

test("what is no request is refused in the API's form", async () => {
  await using served = await serve(SCRIPT);
  const invalid = { type: "error", error: { type: "invalid_request_error", message: expect.any(String) } };
  const broken = await fetch(`${served.base}/v1/messages`, { method: "POST", body: "{" });
  expect([broken.status, await broken.json()]).toEqual([400, invalid]);
  const empty = await post(`${served.base}/v1/messages`, { messages: [] });
  expect([empty.status, await empty.json()]).toEqual([400, invalid]);
  const unknown = await fetch(`${served.base}/v1/nothing`);
  expect([unknown.status, await unknown.json()]).toEqual([
    404,
    { type: "error", error: { type: "not_found_error", message: expect.stringContaining("/v1/nothing") } },
  ]);
});

test("a request of many megabytes is taken", async () => {
  await using served = await serve(SCRIPT);
  const response = await ask(served.base, "a".repeat(5_000_000), { stream: false });
  expect(response.status).toBe(200);
});
