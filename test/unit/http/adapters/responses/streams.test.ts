/** A response's events: live, again, from later on; and what a client that leaves or cancels does to its turn. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import type { ScriptedTurn } from "../../../../fixtures/scripted-harness.ts";
import { httpBench, openStream, rawRequest, type OpenStream } from "../../../../support/http.ts";
import { openAi, refusalOf } from "../../../../support/openai.ts";
import { eventuallyIs } from "../../../../support/processes.ts";
import { spawnerForTests } from "../../../apps/temp-project.ts";

jest.setTimeout(20_000);

const bench = await httpBench(spawnerForTests());
const { harness, port, url, store } = bench;
const client = openAi(url);
const { script } = harness;
afterEach(() => {
  harness.script = script;
});
/** The test holds the turns in its own hands. */
const byHand = (): void => {
  harness.script = () => undefined;
};

const busy = (turn: ScriptedTurn): void =>
  turn
    .emit({ type: "reasoning", text: "Let me see." })
    .say("I look. ")
    .emit({ type: "tool_use", id: "1", name: "Read", input: { file: "a\n\nb" } })
    .emit({ type: "system", subtype: "note", detail: null })
    .emit({ type: "tool_result", id: "1", isError: false, content: "17" })
    .say("It is ")
    .say("17 🧦.")
    .end();

const start = (body: object): Promise<OpenStream> =>
  openStream(port, { path: "/v1/responses", body: { model: "bot", input: "hello", stream: true, ...body } });
const idIn = (said: string): string => /"id":"(resp_[a-z0-9]+)"/.exec(said)?.[1] ?? "";
const again = async (id: string, query = ""): Promise<string> =>
  (await rawRequest(port, "GET", `/v1/responses/${id}?stream=true${query}`)).body;
const framesIn = (said: string): string[] => said.split(/(?<=\n\n)/);

/** How the turns of a session ended. */
async function endsOf(sessionId: string): Promise<string> {
  const ends = (await bench.events(sessionId)).flatMap((event) =>
    event.type === "done" ? event.data.status : event.type === "error" ? event.data.code : [],
  );
  return ends.join(", ");
}
const sessionOf = (stream: OpenStream): string => String(stream.headers["x-karta-session"]);

describe("a stream", () => {
  test.each([false, true])("read again is the same byte for byte (background: %s)", async (background) => {
    harness.script = busy;
    const live = await start({ background, reasoning: { summary: "auto" } });
    await live.end();
    const id = idIn(live.said);
    expect(live.said).toContain("event: response.reasoning_summary_text.delta\n");
    expect(await again(id)).toBe(live.said);
    const whole = await client.responses.retrieve(id);
    const last = framesIn(live.said).at(-1) ?? "";
    const { output_text, ...sent } = whole;
    expect(output_text).toBe("I look. It is 17 🧦.");
    expect(JSON.parse(last.slice(last.indexOf("data: ") + 6))).toMatchObject({ response: sent });
  });

  test("goes on after any number, with the numbers it had", async () => {
    harness.script = busy;
    const live = await start({});
    await live.end();
    const frames = framesIn(live.said);
    for (const [number] of frames.entries()) {
      const rest = frames.slice(number + 1).join("");
      expect(await again(idIn(live.said), `&starting_after=${number}`)).toBe(rest);
    }
  });

  test("that is joined while its turn runs replays, and goes on live", async () => {
    byHand();
    const live = await start({ background: true });
    const turn = await harness.nextTurn();
    turn.say("one ");
    await live.until('"delta":"one "');
    const joined = await openStream(port, {
      path: `/v1/responses/${idIn(live.said)}?stream=true&starting_after=1`,
    });
    await joined.until('"delta":"one "');
    turn.say("two").end();
    await Promise.all([live.end(), joined.end()]);
    expect(joined.said).toBe(framesIn(live.said).slice(2).join(""));
  });

  test("is OpenAI's on the wire: named frames, no ids, no [DONE]", async () => {
    const live = await start({});
    await live.end();
    expect(live.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    for (const frame of framesIn(live.said))
      expect(frame).toMatch(/^event: (\S+)\ndata: \{"type":"\1",.*\}\n\n$/);
  });

  test("of a failed turn ends with why; the client's helper does not throw", async () => {
    harness.script = (turn) =>
      turn.say("I was about").end({
        kind: "failed",
        code: "model_error",
        message: "overloaded",
        retryable: true,
        usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
      });
    const final = await client.responses.stream({ model: "bot", input: "hello" }).finalResponse();
    expect(final).toMatchObject({
      status: "failed",
      error: { code: "server_error", message: "overloaded (model_error)" },
      output_text: "I was about",
    });
    expect(await client.responses.retrieve(final.id)).toMatchObject({ status: "failed", error: final.error });
  });

  test("whose end could not be stored says so, and the client raises it", async () => {
    byHand();
    const stream = await client.responses.create({ model: "bot", input: "hello", stream: true });
    const turn = await harness.nextTurn();
    turn.say("one");
    store.breakWrites("UPDATE ON turns", "new.ended_at is not null");
    try {
      turn.end();
      const refusal = await refusalOf(Array.fromAsync(stream));
      expect(refusal).toBeInstanceOf(OpenAI.APIError);
      expect(refusal).toMatchObject({ code: "storage_unavailable" });
    } finally {
      store.mendWrites();
    }
  });
});

describe("a client that leaves", () => {
  test.each([true, false])("cancels its turn in the foreground (stream: %s)", async (stream) => {
    byHand();
    const leaving = new AbortController();
    const asked = client.responses.create(
      { model: "bot", input: "hello", stream },
      { signal: leaving.signal },
    );
    const reading = asked.then(async (answer) => ("object" in answer ? answer : Array.fromAsync(answer)));
    const turn = await harness.nextTurn();
    leaving.abort();
    await reading.catch(() => undefined);
    expect(await turn.ended).toMatchObject({ kind: "cancelled" });
  });

  test("does not in the background, and comes back for the rest", async () => {
    byHand();
    const live = await start({ background: true });
    const turn = await harness.nextTurn();
    turn.say("one ");
    await live.until('"delta":"one "');
    live.leave();
    await live.end();
    turn.say("two").end();
    await eventuallyIs(() => endsOf(sessionOf(live)), "completed");
    const stream = await client.responses.retrieve(idIn(live.said), { stream: true, starting_after: 5 });
    const deltas = (await Array.fromAsync(stream)).flatMap((event) =>
      event.type === "response.output_text.delta" ? event.delta : [],
    );
    expect(deltas).toEqual(["two"]); // 0–4: created, queued, in progress, item, part; 5: "one "
  });
});

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
        client.responses.retrieve(strange),
        client.responses.delete(strange),
        client.responses.inputItems.list(strange),
      ])
        expect(await refusalOf(call)).toBeInstanceOf(OpenAI.NotFoundError);
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
