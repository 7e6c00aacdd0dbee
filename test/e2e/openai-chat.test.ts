/**
 * Chat Completions as the official `openai` client speaks them. Where a session's first turn is not the point, one session
 * serves the test (`openai` with `SESSION_HEADER`): each is a start of Claude Code, a second of the machine's time.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { z } from "zod";
import type { RunnableToolFunctionWithoutParse } from "openai/lib/RunnableFunction";
import { SESSION_HEADER } from "../../shared/protocol/adapters/headers.ts";
import { createSession, send, storedEvents, stream, textOf } from "../support/api.ts";
import { eventuallyIs } from "../support/processes.ts";
import { endOf, startOpenAiBot, type OpenAiBot } from "./support/openai-bot.ts";

jest.setTimeout(120_000);

let bot: OpenAiBot;
let openai: OpenAI;
/** Speaks in one session, whatever the history says. */
let inSession: OpenAI;
let sessionId: string;
let url: string;
beforeAll(async () => {
  bot = await startOpenAiBot();
  ({ openai } = bot);
  ({ url } = bot.kartad);
  sessionId = (await createSession(url)).id;
  inSession = openai.withOptions({ defaultHeaders: { [SESSION_HEADER]: sessionId } });
});
afterAll(() => bot.home.remove());

const ROASTS = "What roasts do you have?";
const ask = (content: string): ChatCompletionMessageParam[] => [{ role: "user", content }];
const create = (messages: ChatCompletionMessageParam[], client = openai) =>
  client.chat.completions.create({ model: "bot", messages });

/** What a call was refused with. */
async function refusalOf(call: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(call).then(
    () => {
      throw new Error("was not refused");
    },
    (error: unknown) => error,
  );
}

describe("a whole answer", () => {
  test("has the words that the session API has, the usage, and the model", async () => {
    const native = await send(url, sessionId, ROASTS);
    const answer = await create(ask(ROASTS), inSession);
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { role: "assistant", content: native.text },
    });
    expect(answer.model).toBe("bot");
    expect(answer.usage?.completion_tokens).toBe(native.usage.output_tokens);
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  test("goes on over turns in one session and one thread of the harness", async () => {
    const messages = ask("My favourite is Midnight.");
    const { data: first, response } = await create(messages).withResponse();
    messages.push({ role: "assistant", content: first.choices[0]?.message.content ?? "" });
    messages.push({ role: "user", content: "What did I say first?" });
    const { data: second, response: again } = await create(messages).withResponse();
    // The harness's own thread knows it: were the history told anew, it would be the second turn's first words.
    expect(second.choices[0]?.message.content).toBe("You first said: My favourite is Midnight. (turn 2)");
    expect(again.headers.get(SESSION_HEADER)).toBe(response.headers.get(SESSION_HEADER));
  });

  test("of an edited history comes of a new session that was told it", async () => {
    const answer = await create([
      ...ask("My favourite is Sunrise."),
      { role: "assistant", content: "Never said by this bot." },
      { role: "user", content: "What did I say first?" },
    ]);
    expect(answer.choices[0]?.message.content).toMatch(/Sunrise[^]*Never said by this bot[^]*\(turn 1\)/);
  });

  test("of a bot with tools tells of them where the client does not look", async () => {
    const answer = await create(ask("Please write it down."), inSession);
    expect(answer.choices[0]?.message).toEqual({
      role: "assistant",
      content: "It is written.",
      refusal: null,
    });
    expect(JSON.stringify(answer)).toContain('"tool_name":"Write"');
  });
});

describe("a stream", () => {
  test("comes word by word, and adds up to what the session API's does", async () => {
    const native = textOf(await stream(url, sessionId, ROASTS));
    const parts: { readonly text: string; readonly at: number }[] = [];
    const chunks = await inSession.chat.completions.create({
      model: "bot",
      messages: ask(ROASTS),
      stream: true,
      stream_options: { include_usage: true },
    });
    let usage = null;
    for await (const chunk of chunks) {
      const text = chunk.choices[0]?.delta.content ?? "";
      if (text !== "") parts.push({ text, at: performance.now() });
      if (chunk.usage) ({ usage } = chunk);
    }
    expect(parts.map(({ text }) => text).join("")).toBe(native);
    expect(parts.length).toBeGreaterThanOrEqual(5);
    // Fifteen words at 50 a second; in one piece at the end it would be 0.
    expect((parts.at(-1)?.at ?? 0) - (parts[0]?.at ?? 0)).toBeGreaterThan(100);
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  });

  test("is taken by the client's own helper, tools and all, and goes on by its final message", async () => {
    const messages = ask("Please write it down.");
    const streamed = openai.chat.completions.stream({ model: "bot", messages });
    const deltas: string[] = [];
    streamed.on("content", (delta) => deltas.push(delta));
    const completion = await streamed.finalChatCompletion();
    expect(deltas.join("")).toBe("It is written.");
    expect(completion.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { role: "assistant", content: "It is written." },
    });
    messages.push(await streamed.finalMessage(), { role: "user", content: "What did I say first?" });
    const next = openai.chat.completions.stream({ model: "bot", messages });
    expect(await next.finalContent()).toBe("You first said: Please write it down. (turn 2)");
    expect((await next.totalUsage()).total_tokens).toBe(0); // it was not asked for
  });

  test("that its client aborts ends the turn", async () => {
    const chunks = await inSession.chat.completions.create({
      model: "bot",
      messages: ask("Count slowly."),
      stream: true,
    });
    for await (const chunk of chunks) {
      if ((chunk.choices[0]?.delta.content ?? "") !== "") chunks.controller.abort();
    }
    await eventuallyIs(() => endOf(url, sessionId), "cancelled");
  });
});

describe("runTools", () => {
  const called: string[] = [];
  const tool: RunnableToolFunctionWithoutParse = {
    type: "function",
    function: {
      name: "look_up",
      description: "Looks something up.",
      parameters: { type: "object", properties: {} },
      function: (input) => called.push(input),
    },
  };

  test("gets an answer and calls nothing, streamed or not", async () => {
    const body = { model: "bot", messages: ask("Please write it down."), tools: [tool] };
    const whole = inSession.chat.completions.runTools(body);
    expect(await whole.finalContent()).toBe("It is written.");
    const streamed = inSession.chat.completions.runTools({ ...body, stream: true });
    expect(await streamed.finalContent()).toBe("It is written.");
    expect(called).toEqual([]);
  });
});

describe("what goes wrong is the client's own typed error", () => {
  test("before the turn: by its status, with code and parameter", async () => {
    const missing = await refusalOf(openai.chat.completions.create({ model: "gpt-4o", messages: ask("hi") }));
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
    const two = await refusalOf(openai.chat.completions.create({ model: "bot", messages: ask("hi"), n: 2 }));
    expect(two).toBeInstanceOf(OpenAI.BadRequestError);
    expect(two).toMatchObject({ code: "unsupported_parameter", param: "n" });
    const none = await refusalOf(openai.models.retrieve("gpt-4o"));
    expect(none).toBeInstanceOf(OpenAI.NotFoundError);
    const headers = { "Idempotency-Key": "typed-errors" };
    await inSession.chat.completions.create({ model: "bot", messages: ask("one") }, { headers });
    const mismatch = await refusalOf(
      inSession.chat.completions.create({ model: "bot", messages: ask("another") }, { headers }),
    );
    expect(mismatch).toBeInstanceOf(OpenAI.ConflictError);
  });

  test("in the turn: with its code, and the client does not run it again", async () => {
    const whole = await refusalOf(create(ask("bad request"), inSession));
    expect(whole).toBeInstanceOf(OpenAI.InternalServerError);
    expect(whole).toMatchObject({ status: 502, code: "model_error" });
    const { headers } = z.object({ headers: z.custom<Headers>() }).parse(whole);
    expect(headers.get(SESSION_HEADER)).toBe(sessionId);
    const sent = (await storedEvents(url, sessionId)).filter(({ type }) => type === "message");
    expect(sent.filter((message) => JSON.stringify(message).includes("bad request"))).toHaveLength(1);
    const streamed = inSession.chat.completions.stream({ model: "bot", messages: ask("bad key") });
    const late = await refusalOf(streamed.finalContent());
    expect(late).toBeInstanceOf(OpenAI.APIError);
    expect(late).toMatchObject({ code: "model_auth", type: "server_error" });
  });

  test("a full queue is a RateLimitError", async () => {
    const patient = inSession.withOptions({ maxRetries: 0 });
    const messagesOf = async () =>
      (await storedEvents(url, sessionId)).filter(({ type }) => type === "message").length;
    const before = await messagesOf();
    const leaving = new AbortController();
    const waiting = Array.from({ length: 17 }, () =>
      patient.chat.completions
        .create({ model: "bot", messages: ask("Count slowly.") }, { signal: leaving.signal })
        .catch(() => undefined),
    );
    await eventuallyIs(messagesOf, before + 17);
    const refusal = await refusalOf(patient.chat.completions.create({ model: "bot", messages: ask("hi") }));
    expect(refusal).toBeInstanceOf(OpenAI.RateLimitError);
    leaving.abort();
    await Promise.all(waiting);
  });
});

test("the models are the projects", async () => {
  const models = await Array.fromAsync(openai.models.list());
  expect(models.map(({ id }) => id)).toEqual(["bot"]);
  expect(await openai.models.retrieve("bot")).toMatchObject({ id: "bot", owned_by: "karta" });
});

test("an app that only changed its base URL reaches the project of the address", async () => {
  const messages: ChatCompletionMessageParam[] = [];
  for (const [base, said] of [
    ["/v1/projects/bot", "hello"],
    ["/local/bot/v1", "hello again"],
  ] as const) {
    const app = openai.withOptions({ baseURL: url + base });
    messages.push(...ask(said));
    const answer = await app.chat.completions.create({ model: "gpt-4o", messages });
    expect(answer.choices[0]?.message.content).toBe(`ok: ${said}`);
    messages.push({ role: "assistant", content: `ok: ${said}` });
  }
});

test("twenty streams at once each get their own words", async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, place) => {
      const streamed = openai.chat.completions.stream({ model: "bot", messages: ask(`I am ${place}.`) });
      return streamed.finalContent();
    }),
  );
  expect(answers).toEqual(Array.from({ length: 20 }, (_, place) => `ok: I am ${place}.`));
});
