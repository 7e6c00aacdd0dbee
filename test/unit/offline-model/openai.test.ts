import { expect, test } from "@jest/globals";
import { z } from "zod";
import { events, frames, post, serve } from "./served.ts";

const SCRIPT = `
  [[reply]]
  when = 'think'
  thinking = "Hm"
  text = "Hi there"
  [[reply]]
  when = 'save (\\w+)'
  tool = { name = "Write", input = { filePath = "order.txt", content = "$1" } }
  text = "Saved: {{tool_result}}"
  [[reply]]
  when = 'overload'
  error = { status = 429, type = "rate_limit_error", message = "Slow down" }`;

const tools = [{ type: "function", function: { name: "write", parameters: {} } }];

function complete(base: string, messages: string | readonly object[], more: object = {}): Promise<Response> {
  return post(`${base}/v1/chat/completions`, {
    model: "m",
    tools,
    messages: [
      { role: "system", content: "You are opencode." },
      ...(typeof messages === "string" ? [{ role: "user", content: messages }] : messages),
    ],
    ...more,
  });
}

const CallSchema = z.looseObject({ index: z.literal(0), function: z.looseObject({ arguments: z.string() }) });

const chunk = (delta: object, more: object = {}) => ({
  id: expect.stringMatching(/^chatcmpl-/),
  object: "chat.completion.chunk",
  created: expect.any(Number),
  model: "m",
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
  usage: null,
});

test("a stream: role, deltas, finish, usage, [DONE]", async () => {
  await using served = await serve(SCRIPT);
  const streamed = { stream: true, stream_options: { include_usage: true } };
  expect(await events(await complete(served.base, "think", streamed))).toEqual([
    chunk({ role: "assistant", content: "" }),
    chunk({ reasoning_content: "Hm" }),
    chunk({ content: "Hi" }),
    chunk({ content: " there" }),
    chunk({}, { finish_reason: "stop" }),
    {
      ...chunk({}),
      choices: [],
      usage: { prompt_tokens: expect.any(Number), completion_tokens: 3, total_tokens: expect.any(Number) },
    },
  ]);
  const plain = await Array.fromAsync(frames(await complete(served.base, "think", { stream: true })));
  expect(plain.at(-1)).toBe("[DONE]");
  expect(plain.join("")).not.toContain("usage");
});

test("a tool is asked for under the name offered, then the text follows its result", async () => {
  await using served = await serve(SCRIPT);
  const input = { filePath: "order.txt", content: "beans" };
  const found = await events(await complete(served.base, "save beans", { stream: true }));
  const ChunkSchema = z.object({
    choices: z.tuple([z.object({ delta: z.object({ tool_calls: z.tuple([CallSchema]).optional() }) })]),
  });
  const calls = found.flatMap((event) => ChunkSchema.parse(event).choices[0].delta.tool_calls ?? []);
  expect(calls[0]).toEqual({
    index: 0,
    id: expect.any(String),
    type: "function",
    function: { name: "write", arguments: "" },
  });
  expect(calls.length).toBeGreaterThan(3);
  expect(JSON.parse(calls.map((call) => call.function.arguments).join(""))).toEqual(input);
  expect(found.at(-1)).toMatchObject({ choices: [{ delta: {}, finish_reason: "tool_calls" }] });

  const whole = await complete(served.base, "save beans");
  expect(await whole.json()).toMatchObject({
    object: "chat.completion",
    choices: [
      {
        message: {
          role: "assistant",
          content: null,
          tool_calls: [{ function: { name: "write", arguments: JSON.stringify(input) } }],
        },
        finish_reason: "tool_calls",
      },
    ],
  });
  const after = await complete(served.base, [
    { role: "user", content: [{ type: "text", text: "save beans" }] },
    { role: "assistant", content: null, tool_calls: [{ id: "1" }] },
    { role: "tool", tool_call_id: "1", content: "written" },
  ]);
  expect(await after.json()).toMatchObject({
    choices: [{ message: { content: "Saved: written" }, finish_reason: "stop" }],
  });
});

test("errors have OpenAI's form: the script's, a bad body, an unknown route", async () => {
  await using served = await serve(SCRIPT);
  const form = (type: string, message: unknown) => ({ error: { message, type, param: null, code: null } });
  const scripted = await complete(served.base, "overload", { stream: true });
  expect([scripted.status, await scripted.json()]).toEqual([429, form("rate_limit_error", "Slow down")]);
  const bad = await post(`${served.base}/v1/chat/completions`, { messages: "x" });
  expect([bad.status, await bad.json()]).toEqual([400, form("invalid_request_error", expect.any(String))]);
  const unknown = await post(`${served.base}/v1/embeddings`, {});
  expect([unknown.status, await unknown.json()]).toEqual([404, form("not_found_error", expect.any(String))]);
});

test("OpenCode's request for a title matches no rule", async () => {
  await using served = await serve(SCRIPT);
  const response = await post(`${served.base}/v1/chat/completions`, {
    model: "m",
    messages: [
      { role: "system", content: "You are a title generator. You output ONLY a thread title." },
      { role: "user", content: "Generate a title for this conversation:\n" },
      { role: "user", content: "save beans" },
    ],
  });
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: "Offline session" } }] });
});
