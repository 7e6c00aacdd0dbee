/** What is wrong, in OpenAI's form: its clients raise their typed errors from the status and read the rest. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { httpBench, rawRequest } from "../../../support/http.ts";
import { COMPLETIONS, complete, refused, user } from "../../../support/openai-chat.ts";
import { request } from "../../../support/api.ts";
import { OpenAiErrorSchema } from "../../../../shared/protocol/adapters/openai-errors.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { url, port, harness } = bench;
const { script } = harness;
afterEach(() => {
  harness.script = script;
});

const HI = [user("hi")];

describe("a request that is wrong", () => {
  test.each([
    ["no messages", {}, "400 invalid_request", "messages"],
    ["none in the list", { messages: [] }, "400 invalid_request", "messages"],
    [
      "a role that is none",
      { messages: [{ role: "robot", content: "x" }] },
      "400 invalid_request",
      "messages.0.role",
    ],
    ["content that is none", { messages: [user(5)] }, "400 invalid_request", "messages.0.content"],
    ["an empty message", { messages: [user("")] }, "400 invalid_request", "messages.0"],
    [
      "an answer last",
      { messages: [...HI, { role: "assistant", content: "x" }] },
      "400 invalid_request",
      "messages.1",
    ],
    [
      "a tool's result last",
      { messages: [...HI, { role: "tool", content: "x" }] },
      "400 invalid_request",
      "messages.1",
    ],
    [
      "instructions alone",
      { messages: [{ role: "system", content: "x" }] },
      "400 invalid_request",
      "messages.0",
    ],
    [
      "a name of two lines",
      { messages: [{ ...user("x"), name: "a\nb" }] },
      "400 invalid_request",
      "messages.0.name",
    ],
    ["a text too long", { messages: [user("x".repeat(200_001))] }, "400 invalid_request", "messages.0"],
    ["stream of another type", { messages: HI, stream: "yes" }, "400 invalid_request", "stream"],
    ["metadata of another type", { messages: HI, metadata: { a: {} } }, "400 invalid_request", "metadata.a"],
    ["a model that is not there", { messages: HI, model: "gpt-4o" }, "404 model_not_found", "model"],
    ["an agent that is not there", { messages: HI, model: "bot@nobody" }, "404 model_not_found", "model"],
    ["a version that is not there", { messages: HI, model: "bot@v3" }, "404 model_not_found", "model"],
  ])("%s", async (_, body, is, param) => {
    const heard = harness.said.length;
    const refusal = await refused(url, body);
    expect(refusal.is).toBe(is);
    expect(refusal.error).toMatchObject({ type: "invalid_request_error", param });
    expect(harness.said).toHaveLength(heard);
  });

  test("no JSON, another type, too large", async () => {
    expect((await refused(url, "{")).is).toBe("400 invalid_json");
    const text = await refused(url, "hi", { headers: { "Content-Type": "text/plain" } });
    expect(text.is).toBe("415 unsupported_media_type");
    const large = await refused(url, { messages: [user("x".repeat(2 * 1024 * 1024))] });
    expect(large.is).toBe("413 body_too_large");
  });

  test("a method or a path that is not there", async () => {
    const { status, body } = await request(url, "GET", COMPLETIONS);
    expect([status, OpenAiErrorSchema.parse(body).error.code]).toEqual([404, "not_found"]);
    expect((await refused(url, { messages: HI }, { path: "/v1/projects/nope/chat/completions" })).is).toBe(
      "404 not_found",
    );
  });

  test("a guard's refusal has the form too", async () => {
    const headers = { Origin: "https://evil.example", "Content-Type": "application/json" };
    const { status, body } = await rawRequest(port, "POST", COMPLETIONS, headers, "{}");
    expect([status, OpenAiErrorSchema.parse(JSON.parse(body)).error.code]).toEqual([
      403,
      "origin_not_allowed",
    ]);
  });
});

test("a queue that is full is 429, with when to come back", async () => {
  harness.script = () => undefined;
  const id = await bench.create();
  const session = { "X-Karta-Session": id };
  const waiting = Array.from({ length: 17 }, () => complete(url, HI, {}, session));
  const answers = Promise.allSettled(waiting);
  await harness.nextTurn();
  while (bench.sessions.liveTurns.length < 17) await new Promise((resolve) => setImmediate(resolve));
  const refusal = await refused(url, { messages: HI }, { headers: session });
  expect([refusal.is, refusal.error.type]).toEqual(["429 queue_full", "rate_limit_error"]);
  expect(refusal.headers.get("retry-after")).toBe("5");
  harness.script = script;
  await request(url, "DELETE", `/v1/sessions/${id}`);
  await answers;
});

describe("under a project's own address", () => {
  const path = "/v1/projects/bot/chat/completions";

  test("any model's name will do, as an app has it that only changed its base URL", async () => {
    for (const model of ["gpt-4o", "anything", undefined]) {
      const { status, body } = await request(url, "POST", path, {
        messages: HI,
        ...(model === undefined ? {} : { model }),
      });
      expect([status, body.model]).toEqual([200, "bot"]);
    }
    const agent = await request(url, "POST", path, { messages: HI, model: "bot@billing" });
    expect(agent.body).toMatchObject({ model: "bot@billing", karta: { agent: "billing" } });
  });

  test("but an agent that it has not is 404", async () => {
    expect((await refused(url, { messages: HI, model: "bot@nobody" }, { path })).is).toBe(
      "404 model_not_found",
    );
  });
});

describe("the list of models", () => {
  const bot = { id: "bot", object: "model", created: 0, owned_by: "karta" };

  test("has the projects and their agents, each by its own address too", async () => {
    const expected = { object: "list", data: [bot, { ...bot, id: "bot@billing" }] };
    for (const base of ["/v1", "/v1/projects/bot", "/local/bot/v1"])
      expect((await request(url, "GET", `${base}/models`)).body).toEqual(expected);
    expect((await request(url, "GET", "/v1/models/bot")).body).toEqual(bot);
    expect((await request(url, "GET", "/v1/models/bot%40billing")).body).toEqual({
      ...bot,
      id: "bot@billing",
    });
    expect((await request(url, "GET", "/v1/models/bot@dev")).body).toEqual({ ...bot, id: "bot@dev" });
  });

  test("one that is not there is 404", async () => {
    const { status, body } = await request(url, "GET", "/v1/models/gpt-4o");
    expect([status, OpenAiErrorSchema.parse(body).error.code]).toEqual([404, "model_not_found"]);
  });
});
