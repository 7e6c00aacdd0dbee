/** A response's events: live, again, from later on; and what a client that leaves does to its turn. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import type { ScriptedTurn } from "../../../../fixtures/scripted-harness.ts";
import { openStream, rawRequest, type OpenStream } from "../../../../support/http.ts";
import { refusalOf } from "../../../../support/openai.ts";
import { eventuallyIs } from "../../../../support/processes.ts";
import { responsesBench } from "../../../../support/responses-bench.ts";

jest.setTimeout(20_000);

const bench = await responsesBench();
const { harness, port, store, client, byHand } = bench;
afterEach(() => bench.byItself());

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

  test("whose end could not be stored says so, read again too, and the client raises it", async () => {
    byHand();
    const stream = await start({ background: true });
    const turn = await harness.nextTurn();
    turn.say("one");
    await stream.until('"delta":"one"');
    const id = idIn(stream.said);
    const readAgain = () => client.responses.retrieve(id, { stream: true }, { maxRetries: 0 });
    const before = await readAgain();
    store.breakWrites("UPDATE ON turns", "new.ended_at is not null");
    try {
      turn.end();
      await stream.end();
      expect(stream.said).toContain('"code":"storage_unavailable"');
      for (const refusal of [await refusalOf(Array.fromAsync(before)), await refusalOf(readAgain())]) {
        expect(refusal).toBeInstanceOf(OpenAI.APIError);
        expect(refusal).toMatchObject({ code: "storage_unavailable" });
      }
    } finally {
      store.mendWrites();
    }
    await eventuallyIs(() => endsOf(sessionOf(stream)), "completed"); // and the next reading has it
    expect((await Array.fromAsync(await readAgain())).at(-1)).toMatchObject({ type: "response.completed" });
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
    const gone = new Promise((resolve) =>
      bench.server.once("request", (_request, response) => response.once("close", resolve)),
    );
    const live = await start({ background: true });
    const turn = await harness.nextTurn();
    turn.say("one ");
    await live.until('"delta":"one "');
    live.leave();
    await gone;
    expect((await client.responses.retrieve(idIn(live.said))).status).toBe("in_progress");
    expect(turn.cancels).toBe(0);
    turn.say("two").end();
    await eventuallyIs(() => endsOf(sessionOf(live)), "completed");
    const stream = await client.responses.retrieve(idIn(live.said), { stream: true, starting_after: 5 });
    const deltas = (await Array.fromAsync(stream)).flatMap((event) =>
      event.type === "response.output_text.delta" ? event.delta : [],
    );
    expect(deltas).toEqual(["two"]); // 0–4: created, queued, in progress, item, part; 5: "one "
  });
});
