/** The offline model's Responses API: what Codex speaks. */
import { expect, test } from "@jest/globals";
import { z } from "zod";
import { events, post, serve } from "./served.ts";

const SCRIPT = `
  [[reply]]
  when = 'think'
  thinking = "Hm"
  text = "Hi there"
  [[reply]]
  when = 'save (\\w+)'
  tool = { name = "Write", input = { path = "order.txt", content = "$1" } }
  text = "Saved: {{tool_result}}"
  [[reply]]
  when = 'what did i say first'
  text = "You first said: {{first_user}}"
  [[reply]]
  when = 'overload'
  error = { status = 429, type = "rate_limit_error", message = "Slow down" }`;

const tools = [{ type: "function", name: "write", parameters: {} }, { type: "web_search" }];
const user = (text: string) => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text }],
});

const respond = (base: string, input: string | readonly object[], more: object = {}): Promise<Response> =>
  post(`${base}/v1/responses`, { model: "m", instructions: "You are Codex.", tools, input, ...more });

const EventSchema = z.looseObject({ type: z.string(), sequence_number: z.number() });

test("a stream: each item opened, told in deltas, closed whole; and the end with the usage", async () => {
  await using served = await serve(SCRIPT);
  const seen = z
    .array(EventSchema)
    .parse(await events(await respond(served.base, "think", { stream: true })));
  expect(seen.map(({ sequence_number }) => sequence_number)).toEqual(seen.map((_, index) => index));
  expect(seen.map(({ type }) => type.replace("response.", ""))).toEqual([
    "created",
    "output_item.added",
    "reasoning_summary_text.delta",
    "output_item.done",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
  expect(seen.at(-1)).toMatchObject({
    response: {
      status: "completed",
      output: [
        { type: "reasoning", summary: [{ text: "Hm" }] },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi there" }] },
      ],
      usage: { output_tokens: 3 },
    },
  });
});

test("a tool is asked for by the name that is offered, once, and its result is told", async () => {
  await using served = await serve(SCRIPT);
  const asked = z
    .looseObject({ output: z.array(z.looseObject({ call_id: z.string() })) })
    .parse(await (await respond(served.base, [user("save beans")])).json());
  expect(asked.output).toMatchObject([
    { type: "function_call", name: "write", arguments: '{"path":"order.txt","content":"beans"}' },
  ]);
  const call = asked.output[0];
  const result = { type: "function_call_output", call_id: call?.call_id, output: "ok" };
  expect(await (await respond(served.base, [user("save beans"), call ?? {}, result])).json()).toMatchObject({
    output: [{ content: [{ text: "Saved: ok" }] }],
  });
});

test("an MCP server's tool is asked for in its namespace; Codex's own words are not the user's", async () => {
  await using served = await serve(`
    [[reply]]
    when = 'look up'
    tool = { name = "mcp__karta__look_up", input = {} }
    [[reply]]
    when = 'first'
    text = "You first said: {{first_user}}"`);
  expect(await (await respond(served.base, "look up")).json()).toMatchObject({
    output: [{ type: "function_call", namespace: "mcp__karta", name: "look_up" }],
  });
  const plain = { tools: [{ type: "function", name: "mcp__karta__look_up" }] };
  expect(await (await respond(served.base, "look up", plain)).json()).toMatchObject({
    output: [{ type: "function_call", name: "mcp__karta__look_up" }],
  });
  const own = [
    "# AGENTS.md instructions for /srv/bot\n# Bot",
    "<environment_context>\n</environment_context>",
  ];
  const input = [...own.map(user), user("hello"), user("What was first?")];
  expect(await (await respond(served.base, input)).json()).toMatchObject({
    output: [{ content: [{ text: "You first said: hello" }] }],
  });
});

test("a conversation's first words are known, an error is told in OpenAI's form, and a wrong body too", async () => {
  await using served = await serve(SCRIPT);
  const answer = { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi" }] };
  const input = [
    { role: "developer", content: "rules" },
    user("hello"),
    answer,
    user("What did I say first?"),
  ];
  expect(await (await respond(served.base, input)).json()).toMatchObject({
    output: [{ content: [{ text: "You first said: hello" }] }],
  });
  const overloaded = await respond(served.base, "overload");
  expect(overloaded.status).toBe(429);
  expect(await overloaded.json()).toMatchObject({
    error: { type: "rate_limit_error", message: "Slow down" },
  });
  const wrong = await respond(served.base, []);
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({ error: { type: "invalid_request_error" } });
});
