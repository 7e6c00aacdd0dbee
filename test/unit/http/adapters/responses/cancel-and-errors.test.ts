/** Responses that are cancelled, that fail, that are sent again: each once, and in OpenAI's words. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import type { ScriptedTurn } from "../../../../fixtures/scripted-harness.ts";
import { openAi, refusalOf } from "../../../../support/openai.ts";
import { eventuallyIs } from "../../../../support/processes.ts";
import { responsesBench } from "../../../../support/responses-bench.ts";

jest.setTimeout(20_000);

const bench = await responsesBench();
const { harness, url, client, byHand } = bench;
afterEach(() => bench.byItself());

describe("cancel", () => {
  test("ends a response of the background, once or twice", async () => {
    byHand();
    const made = await client.responses.create({ model: "bot", input: "hello", background: true });
    expect(made).toMatchObject({ status: "queued", background: true, output: [] });
    const turn = await harness.nextTurn();
    turn.say("one ");
    await eventuallyIs(async () => (await client.responses.retrieve(made.id)).status, "in_progress");
    const cancelled = await client.responses.cancel(made.id);
    expect(cancelled).toMatchObject({ id: made.id, status: "cancelled", output: [{ status: "incomplete" }] });
    expect(await client.responses.cancel(made.id)).toEqual(cancelled);
    expect(await client.responses.stream({ response_id: made.id }).finalResponse()).toMatchObject({
      status: "cancelled",
      output_text: "one ",
    });
  });

  test("of one that waits behind another never lets its agent hear it", async () => {
    byHand();
    const first = await client.responses.create({ model: "bot", input: "first", background: true });
    const running = await harness.nextTurn();
    const params = { model: "bot", input: "second", background: true, previous_response_id: first.id };
    const second = await client.responses.create(params);
    expect((await client.responses.cancel(second.id)).status).toBe("cancelled");
    running.end();
    await eventuallyIs(async () => (await client.responses.retrieve(first.id)).status, "completed");
    expect(harness.said).not.toContain("second");
  });

  test("is refused for one of the foreground, and for what is not there", async () => {
    const made = await client.responses.create({ model: "bot", input: "hello" });
    expect(await refusalOf(client.responses.cancel(made.id))).toBeInstanceOf(OpenAI.BadRequestError);
    expect(await refusalOf(client.responses.cancel("resp_1"))).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("comes with delete", async () => {
    byHand();
    const made = await client.responses.create({ model: "bot", input: "hello", background: true });
    const turn = await harness.nextTurn();
    await client.responses.delete(made.id);
    expect(await turn.ended).toMatchObject({ kind: "cancelled" });
    expect(await refusalOf(client.responses.retrieve(made.id))).toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe("an error", () => {
  const failing = (code: "model_auth" | "harness_crashed") => (turn: ScriptedTurn) =>
    turn.end({
      kind: "failed",
      code,
      message: "no",
      retryable: true,
      usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
    });

  test("of an accepted turn is raised once: the client does not run it again", async () => {
    harness.script = failing("harness_crashed");
    const turns = harness.turns.length;
    const refusal = await refusalOf(
      openAi(url, "/v1", { maxRetries: 2 }).responses.create({ model: "bot", input: "hello" }),
    );
    expect(refusal).toBeInstanceOf(OpenAI.InternalServerError);
    expect(refusal).toMatchObject({ status: 502, code: "harness_crashed" });
    expect(harness.turns).toHaveLength(turns + 1);
  });

  test("has the class that the client has for it", async () => {
    const { id } = await client.responses.create({ model: "bot", input: "hello" });
    expect(await client.responses.retrieve(id)).toMatchObject({ id });
    const refused = async (call: PromiseLike<unknown>) =>
      (await refusalOf(call)) instanceof OpenAI.BadRequestError;
    expect(await refused(client.responses.create({ model: "bot", input: "" }))).toBe(true);
    expect(
      await refused(client.responses.create({ model: "bot", input: "x", temperature: 1, top_logprobs: 2 })),
    ).toBe(true);
    for (const strange of ["resp_1", `resp_${"0".repeat(24)}`, "nonsense"]) {
      for (const call of [
        () => client.responses.retrieve(strange),
        () => client.responses.delete(strange),
        () => client.responses.inputItems.list(strange),
      ])
        expect(await refusalOf(call())).toBeInstanceOf(OpenAI.NotFoundError);
    }
  });

  test("a full queue is RateLimitError", async () => {
    byHand();
    const first = await client.responses.create({ model: "bot", input: "hello", background: true });
    const conversation = (await client.responses.retrieve(first.id).withResponse()).response.headers.get(
      "x-karta-session",
    );
    const send = () => client.responses.create({ model: "bot", input: "x", background: true, conversation });
    for (let waiting = 0; waiting < 16; waiting += 1) await send();
    expect(await refusalOf(send())).toBeInstanceOf(OpenAI.RateLimitError);
    await client.conversations.delete(conversation ?? "");
  });
});

describe("a request that is sent again with its Idempotency-Key", () => {
  test("finds its response, whatever it goes on from", async () => {
    const first = await client.responses.create({ model: "bot", input: "hello" });
    for (const [key, more] of [
      ["one", {}],
      ["two", { previous_response_id: first.id }],
    ] as const) {
      const headers = { "Idempotency-Key": key };
      const turns = harness.turns.length;
      const params = { model: "bot", input: "again", ...more };
      const made = await client.responses.create(params, { headers });
      expect(await client.responses.create(params, { headers })).toEqual(made);
      expect(harness.turns).toHaveLength(turns + 1);
      const streamed = await client.responses.stream(params, { headers }).finalResponse();
      expect(streamed).toMatchObject({ id: made.id, output_text: made.output_text });
      expect(harness.turns).toHaveLength(turns + 1);
      expect(
        await refusalOf(client.responses.create({ ...params, input: "other" }, { headers })),
      ).toBeInstanceOf(OpenAI.ConflictError);
    }
  });

  test("goes on without its client, which comes back with it", async () => {
    byHand();
    const headers = { "Idempotency-Key": "three" };
    const leaving = new AbortController();
    const params = { model: "bot", input: "hello" };
    const asked = client.responses.create(params, { headers, signal: leaving.signal });
    const turn = await harness.nextTurn();
    leaving.abort();
    await asked.catch(() => undefined);
    const back = client.responses.create(params, { headers });
    turn.say("still here").end();
    expect((await back).output_text).toBe("still here");
  });
});
