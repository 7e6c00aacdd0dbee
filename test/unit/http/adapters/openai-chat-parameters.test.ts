/** Every parameter of the table, each as its cell says; and that docs/openai.md shows this very table. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { CHAT_PARAMETERS } from "../../../../daemon/http/adapters/openai-chat/parameters.ts";
import type { Treatment } from "../../../../daemon/http/adapters/parameters.ts";
import { packageRoot } from "../../../../shared/paths.ts";
import { httpBench, openStream } from "../../../support/http.ts";
import { request } from "../../../support/api.ts";
import { assistant, COMPLETIONS, complete, refused, system, user } from "../../../support/openai-chat.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { url, port, harness } = bench;

const FUNCTION = { name: "f", parameters: { type: "object", properties: {} } };

/** A value that asks for something, of each parameter that gets none of it. */
const ASKING: Readonly<Record<string, unknown>> = {
  audio: { voice: "alloy", format: "wav" },
  frequency_penalty: 1,
  function_call: { name: "f" },
  functions: [FUNCTION],
  logit_bias: { "50256": -100 },
  logprobs: true,
  max_completion_tokens: 5,
  max_tokens: 5,
  modalities: ["text", "audio"],
  moderation: { model: "auto" },
  n: 2,
  parallel_tool_calls: false,
  prediction: { type: "content", content: "x" },
  presence_penalty: 1,
  prompt_cache_key: "k",
  prompt_cache_options: {},
  prompt_cache_retention: "24h",
  reasoning_effort: "high",
  response_format: { type: "json_object" },
  seed: 7,
  service_tier: "flex",
  stop: ["\n"],
  store: false,
  temperature: 0.2,
  tool_choice: "required",
  tools: [{ type: "function", function: FUNCTION }],
  top_logprobs: 3,
  top_p: 0.5,
  verbosity: "low",
  web_search_options: {},
};

/** What of a refused one asks for nothing, besides null. */
const HARMLESS: Readonly<Record<string, unknown>> = {
  function_call: "auto",
  logit_bias: {},
  logprobs: false,
  modalities: ["text"],
  n: 1,
  response_format: { type: "text" },
  stop: [],
  tool_choice: "none",
  top_logprobs: 0,
};

const HI = [user("hi")];

/** That a supported one does what it is there for. */
const SUPPORTED: Readonly<Record<string, () => Promise<void>>> = {
  messages: async () => {
    await complete(url, [system("Be brief."), user("a"), assistant("b"), user("the last")]);
    expect(harness.said.at(-1)).toMatch(/Be brief\.[^]*\n\nthe last$/);
  },
  model: async () => {
    const { completion } = await complete(url, HI, { model: "bot@billing" });
    expect(completion).toMatchObject({ model: "bot@billing", karta: { agent: "billing" } });
  },
  stream: async () => {
    const stream = await openStream(port, { path: COMPLETIONS, body: { messages: HI, stream: true } });
    await stream.end();
    expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  },
  stream_options: async () => {
    const options = { include_usage: true, include_obfuscation: false };
    const body = { messages: HI, stream: true, stream_options: options };
    const stream = await openStream(port, { path: COMPLETIONS, body });
    await stream.end();
    expect(stream.said).toContain('"total_tokens":5');
  },
  metadata: async () => {
    const made = await complete(url, HI, { metadata: { visitor: "v1" } });
    const { body } = await request(url, "GET", `/v1/sessions/${made.sessionId}`);
    expect(body.metadata).toMatchObject({ visitor: "v1" });
    const named = await complete(url, [user("again")], { metadata: { session_id: made.sessionId } });
    expect(named.sessionId).toBe(made.sessionId);
  },
  user: () => keepsApart("user"),
  safety_identifier: () => keepsApart("safety_identifier"),
};

async function keepsApart(parameter: string): Promise<void> {
  const asked = user(`hello from ${parameter}`);
  const { sessionId, text } = await complete(url, [asked], { [parameter]: "ada" });
  const more = [asked, assistant(text), user("more")];
  const ids = [];
  for (const one of ["bob", "ada"]) ids.push((await complete(url, more, { [parameter]: one })).sessionId);
  expect(ids.map((id) => id === sessionId)).toEqual([false, true]);
}

const named = (treatment: Treatment): string[] =>
  Object.keys(CHAT_PARAMETERS).filter((name) => CHAT_PARAMETERS[name]?.treatment === treatment);

describe("a parameter that is supported", () => {
  test("is tried below, each", () => {
    expect(Object.keys(SUPPORTED).sort()).toEqual(named("supported").sort());
  });

  test.each(named("supported"))("%s does what it is there for", async (name) => {
    await SUPPORTED[name]?.();
  });
});

test.each(named("ignored"))("%s is passed over", async (name) => {
  for (const value of [ASKING[name], null]) {
    expect(value).toBeDefined();
    const { text } = await complete(url, HI, { [name]: value });
    expect(text).toBe("You said: hi");
  }
});

test.each(named("refused"))(
  "%s is refused where it asks for something, and nothing has run",
  async (name) => {
    const heard = harness.said.length;
    const { is, error } = await refused(url, { messages: HI, [name]: ASKING[name] });
    expect(is).toBe("400 unsupported_parameter");
    expect(error).toMatchObject({ param: name, type: "invalid_request_error" });
    expect(error.message).toContain(CHAT_PARAMETERS[name]?.note);
    expect(harness.said).toHaveLength(heard);
    const harmless = Object.hasOwn(HARMLESS, name) ? [HARMLESS[name], null] : [null];
    for (const value of harmless) await complete(url, HI, { [name]: value });
  },
);

test("one that nobody knows is refused by its name, as OpenAI does", async () => {
  for (const name of ["max_token", "constructor", "__proto__x"]) {
    const { is, error } = await refused(url, { messages: HI, [name]: 1 });
    expect(is).toBe("400 unknown_parameter");
    expect(error).toMatchObject({ param: name, message: `Unrecognized request argument supplied: ${name}` });
  }
});

test("the documentation has this table", () => {
  const rows = Object.entries(CHAT_PARAMETERS).map(
    ([name, { treatment, note }]) => `| \`${name}\` | ${treatment} | ${note} |`,
  );
  expect(readFileSync(path.join(packageRoot(), "docs", "openai.md"), "utf8")).toContain(
    `\n${rows.join("\n")}\n`,
  );
});
