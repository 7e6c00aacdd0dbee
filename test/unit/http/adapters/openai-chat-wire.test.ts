/** What Chat Completions answer, byte for byte where OpenAI's form is one. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { httpBench, openStream } from "../../../support/http.ts";
import { COMPLETIONS, complete, user } from "../../../support/openai-chat.ts";
import { USAGE } from "../../../fixtures/scripted-harness.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port, url, harness } = bench;
const { script } = harness;
afterEach(() => {
  harness.script = script;
  jest.useRealTimers();
});

const openChat = (more: object = {}, path = COMPLETIONS) =>
  openStream(port, { path, body: { model: "bot", messages: [user("hi")], stream: true, ...more } });

/** The frames of a stream, what every one repeats left out once it is checked. */
async function framesOf(more: object = {}, path = COMPLETIONS): Promise<unknown[]> {
  const stream = await openChat(more, path);
  await stream.end();
  const frames = stream.said.split("\n\n");
  expect(frames.pop()).toBe("");
  expect(frames.every((frame) => /^data: [^\n]*$/.test(frame))).toBe(true);
  const ids = new Set<unknown>();
  const found = frames.map((frame): unknown => {
    const data = frame.slice("data: ".length);
    if (data === "[DONE]") return data;
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed !== "object" || parsed === null || !("id" in parsed)) return parsed;
    const { id, object, created, model, ...rest } = { object: "", created: 0, model: "", ...parsed };
    expect({ object, model }).toEqual({ object: "chat.completion.chunk", model: "bot" });
    expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60);
    ids.add(id);
    return rest;
  });
  expect([...ids]).toEqual([expect.stringMatching(/^chatcmpl-[0-9a-z]{24}$/)]);
  return found;
}

const chunk = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
});

describe("a stream", () => {
  test("begins with the role, ends with the reason and [DONE], and has data lines only", async () => {
    harness.script = (turn) => turn.say("We've got ").say("“blue” \u2028 ones\n\n🧦").end();
    expect(await framesOf()).toEqual([
      {
        ...chunk({ role: "assistant", content: "" }),
        karta: { type: "turn", session_id: expect.any(String), turn_id: expect.any(String) },
      },
      chunk({ content: "We've got " }),
      chunk({ content: "“blue” \u2028 ones\n\n🧦" }),
      { ...chunk({}, "stop"), karta: { type: "done", status: "completed" } },
      "[DONE]",
    ]);
  });

  test("has the usage in a last chunk of its own when asked to, and null in the others", async () => {
    const frames = await framesOf({ stream_options: { include_usage: true } });
    expect(frames.slice(0, -2)).toEqual([
      expect.objectContaining({ usage: null }),
      expect.objectContaining({ usage: null }),
      expect.objectContaining({ usage: null }),
    ]);
    expect(frames.slice(-2)).toEqual([
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
      "[DONE]",
    ]);
  });

  test("tells of tools beside the choices, where clients do not look for calls to run", async () => {
    harness.script = (turn) =>
      turn
        .emit({ type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" } })
        .emit({ type: "tool_result", id: "t1", isError: false, content: "a.txt" })
        .emit({ type: "reasoning", text: "hm" })
        .emit({ type: "step_start", description: "model call" })
        .say("One file.")
        .end();
    const frames = await framesOf();
    expect(frames.slice(1, -2)).toEqual([
      {
        ...chunk({}),
        karta: { type: "tool_use", tool_use_id: "t1", tool_name: "Bash", tool_input: { command: "ls" } },
      },
      {
        ...chunk({}),
        karta: { type: "tool_result", tool_use_id: "t1", is_error: false, content: "a.txt" },
      },
      chunk({ content: "One file." }),
    ]);
    expect(JSON.stringify(frames)).not.toContain("tool_calls");
  });

  test("of a turn that fails ends with OpenAI's error, and without [DONE]", async () => {
    harness.script = (turn) =>
      turn
        .say("Well, ")
        .end({ kind: "failed", code: "model_error", message: "overloaded", retryable: true, usage: USAGE });
    const frames = await framesOf();
    expect(frames.at(-1)).toEqual({
      error: { message: "overloaded", type: "server_error", param: null, code: "model_error" },
    });
  });

  test("of a turn that was ended before it was done says length", async () => {
    harness.script = (turn) => turn.say("one two").end({ kind: "cancelled", usage: USAGE });
    const frames = await framesOf();
    expect(frames.at(-2)).toEqual({ ...chunk({}, "length"), karta: { type: "done", status: "cancelled" } });
  });

  test("is kept open by comments, which no client takes for an event", async () => {
    jest.useFakeTimers({
      doNotFake: ["setImmediate", "nextTick", "queueMicrotask", "performance", "Date", "hrtime"],
    });
    harness.script = () => undefined;
    const stream = await openChat();
    const turn = await harness.nextTurn();
    jest.advanceTimersByTime(15_001);
    await stream.until(": ping\n\n");
    turn.end();
    await stream.end();
  });

  test("ends with an error when the turn's end cannot be stored", async () => {
    harness.script = (turn) => {
      bench.store.breakWrites("INSERT ON events", "NEW.type = 'done'");
      turn.say("all of it").end();
    };
    const stream = await openChat();
    await stream.end();
    bench.store.mendWrites();
    expect(stream.said).toMatch(/"code":"storage_unavailable"\}\}\n\n$/);
  });

  test("is the same under a project's own address, and under the organisation's", async () => {
    const shapes = await Promise.all(
      ["/v1/projects/bot/chat/completions", "/local/bot/v1/chat/completions"].map((path) =>
        framesOf({}, path),
      ),
    );
    for (const frames of shapes) expect(frames).toHaveLength(4);
  });
});

describe("a whole answer", () => {
  test("has OpenAI's form, with what it has no place for beside", async () => {
    harness.script = (turn) =>
      turn
        .emit({ type: "tool_use", id: "t1", name: "Bash", input: {} })
        .emit({ type: "tool_result", id: "t1", isError: true, content: "no" })
        .say("I could not.")
        .end();
    const { completion, sessionId, headers } = await complete(url, [user("hi")], { model: "bot@billing" });
    expect(completion).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "bot@billing",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "I could not.", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      karta: {
        session_id: sessionId,
        turn_id: expect.stringMatching(/^turn_/),
        agent: "billing",
        status: "completed",
        tools: [
          { type: "tool_use", tool_use_id: "t1", tool_name: "Bash", tool_input: {} },
          { type: "tool_result", tool_use_id: "t1", is_error: true, content: "no" },
        ],
      },
    });
    expect(sessionId).toMatch(/^sess_/);
    expect(headers.get("x-should-retry")).toBe("false");
    expect(harness.turns.at(-1)?.agent).toBeDefined();
  });
});
