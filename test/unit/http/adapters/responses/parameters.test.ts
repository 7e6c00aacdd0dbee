/** Every parameter of the table, sent by OpenAI's client: it does what the table says, and docs/openai.md says the same. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import { RESPONSES_PARAMETERS } from "../../../../../daemon/http/adapters/responses/parameters.ts";
import { packageRoot } from "../../../../../shared/paths.ts";
import { httpBench, rawRequest } from "../../../../support/http.ts";
import { openAi, refusalOf } from "../../../../support/openai.ts";
import { spawnerForTests } from "../../../apps/temp-project.ts";

jest.setTimeout(20_000);

const bench = await httpBench(spawnerForTests());
const client = openAi(bench.url);
const json = { "Content-Type": "application/json" };

/** The value where the table's dotted name leads. */
function at(name: string, value: unknown): Record<string, unknown> {
  const [first = "", second] = name.split(".");
  return { [first]: second === undefined ? value : { [second]: value } };
}

async function create(params: Readonly<Record<string, unknown>>): Promise<unknown> {
  const body = { model: "bot", input: "hello", ...params };
  const answer = await rawRequest(bench.port, "POST", "/v1/responses", json, JSON.stringify(body));
  if (answer.headers["content-type"]?.startsWith("text/event-stream") === true)
    return { stream: answer.body };
  return JSON.parse(answer.body);
}

const rows = Object.entries(RESPONSES_PARAMETERS).map(([name, row]) => ({ name, ...row }));
const of = (treatment: string) => rows.filter((row) => row.treatment === treatment);

describe("a parameter that is supported", () => {
  /** What shows it in the answer; what needs a conversation is tested with those. */
  const SHOWN: Readonly<Record<string, object>> = {
    model: { model: "bot" },
    input: { output: [{ content: [{ text: "You said: hello" }] }] },
    instructions: { instructions: "Answer in French." },
    previous_response_id: { previous_response_id: null },
    conversation: { conversation: null },
    store: { store: false },
    stream: { stream: expect.stringMatching(/^event: response\.created\n[^]*event: response\.completed\n/) },
    background: { background: true, status: "queued" },
    metadata: { metadata: { order: "17" } },
    "reasoning.summary": { reasoning: { summary: "auto" } },
  };

  test.each(of("supported"))("$name", async ({ name, example }) => {
    expect(SHOWN).toHaveProperty([name]);
    expect(await create(at(name, example))).toMatchObject(SHOWN[name] ?? {});
  });
});

describe("a parameter that is ignored", () => {
  test.each(of("ignored"))("$name", async ({ name, example }) => {
    expect(await create(at(name, example))).toMatchObject({
      status: "completed",
      output: [{ content: [{ text: "You said: hello" }] }],
    });
  });
});

describe("a parameter that is refused", () => {
  test.each(of("refused"))("$name", async ({ name, example, passes = [] }) => {
    const turns = bench.harness.said.length;
    expect(await create(at(name, example))).toMatchObject({
      error: { type: "invalid_request_error", param: name, code: "unsupported_parameter" },
    });
    expect(bench.harness.said).toHaveLength(turns);
    for (const harmless of [null, ...passes])
      expect(await create(at(name, harmless))).toMatchObject({ status: "completed" });
  });

  test("include, for what there is none of", async () => {
    const include: OpenAI.Responses.ResponseIncludable[] = ["message.output_text.logprobs"];
    const refusal = await refusalOf(client.responses.create({ model: "bot", input: "x", include }));
    expect(refusal).toBeInstanceOf(OpenAI.BadRequestError);
    expect(refusal).toMatchObject({ param: "include" });
  });

  test("one that nobody knows, as OpenAI refuses it", async () => {
    expect(await create({ temprature: 1 })).toMatchObject({
      error: { param: "temprature", code: "unknown_parameter" },
    });
  });

  test.each<[string, object, string]>([
    ["no input", { input: undefined }, "input"],
    ["a wrong type", { stream: "yes" }, "stream"],
    ["metadata that is no text", { metadata: { n: 1 } }, "metadata.n"],
    [
      "too much metadata",
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, ""])) },
      "metadata",
    ],
    ["the background without store", { background: true, store: false }, "background"],
  ])("%s", async (_what, params, param) => {
    expect(await create({ ...params })).toMatchObject({ error: { type: "invalid_request_error", param } });
  });
});

test("the documentation's table is this one", () => {
  const page = readFileSync(path.join(packageRoot(), "docs", "openai.md"), "utf8");
  const lines = rows.map(({ name, treatment, note }) => `| \`${name}\` | ${treatment} | ${note} |`);
  expect(page).toContain(`${lines.join("\n")}\n`);
});

test("it has every parameter that OpenAI's client can send", () => {
  // Theirs is a type, which is no longer there when a test runs: the names stand in its declaration.
  const file = path.join(packageRoot(), "node_modules/openai/resources/responses/responses.d.ts");
  const declared =
    /interface ResponseCreateParamsBase \{\n([^]*?)\n\}/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  const names = [...declared.matchAll(/^ {4}(\w+)\?:/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(25);
  const known = new Set([...Object.keys(RESPONSES_PARAMETERS).map((name) => name.split(".")[0]), "stream"]);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});
