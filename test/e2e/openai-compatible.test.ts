/** Chat Completions as the Vercel AI SDK speaks them. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, streamText, type ModelMessage } from "ai";
import { SessionPageSchema } from "../../shared/protocol/sessions.ts";
import { createSession, request, send } from "../support/api.ts";
import { eventuallyIs } from "../support/processes.ts";
import { endOf, startOpenAiBot, type OpenAiBot } from "./support/openai-bot.ts";

jest.setTimeout(120_000);

let bot: OpenAiBot;
beforeAll(async () => {
  bot = await startOpenAiBot();
});
afterAll(() => bot.home.remove());

const model = () =>
  createOpenAICompatible({ name: "karta", baseURL: bot.baseURL, includeUsage: true }).chatModel("bot");

const ROASTS = "What roasts do you have?";

test("generateText has the words that the session API has, and the usage", async () => {
  const { id } = await createSession(bot.kartad.url);
  const native = await send(bot.kartad.url, id, ROASTS);
  const { text, usage, finishReason } = await generateText({ model: model(), prompt: ROASTS });
  expect(text).toBe(native.text);
  expect(finishReason).toBe("stop");
  expect(usage.outputTokens).toBe(native.usage.output_tokens);
});

test("streamText comes word by word, and a conversation goes on in one session", async () => {
  const messages: ModelMessage[] = [{ role: "user", content: ROASTS }];
  const first = streamText({ model: model(), messages, instructions: "Be brief." });
  const times: number[] = [];
  for await (const part of first.textStream) times.push(part === "" ? Infinity : performance.now());
  expect(times.length).toBeGreaterThanOrEqual(5);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
  expect((await first.usage).outputTokens).toBeGreaterThan(0);

  messages.push(...(await first.finalStep).response.messages, {
    role: "user",
    content: "What did I say first?",
  });
  const second = streamText({ model: model(), messages, instructions: "Be brief." });
  expect(await second.text).toMatch(/\(turn 2\)$/);
});

test("tools that the bot ran are passed over", async () => {
  const { text, toolCalls } = await generateText({ model: model(), prompt: "Please write it down." });
  expect([text, toolCalls]).toEqual(["It is written.", []]);
});

test("an abort ends the turn", async () => {
  const leaving = new AbortController();
  const { textStream } = streamText({
    model: model(),
    prompt: "Count slowly.",
    abortSignal: leaving.signal,
    onError: () => undefined,
  });
  for await (const part of textStream) if (part !== "") leaving.abort();
  const { data } = SessionPageSchema.parse(
    (await request(bot.kartad.url, "GET", "/v1/sessions?limit=1")).body,
  );
  await eventuallyIs(() => endOf(bot.kartad.url, data[0]?.id ?? ""), "cancelled");
});

test("an error is the SDK's own, and ends a stream", async () => {
  const refusal: unknown = await generateText({ model: model(), prompt: "bad request", maxRetries: 0 }).catch(
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(APICallError);
  expect(refusal).toMatchObject({ statusCode: 502, message: expect.stringContaining("no such thing") });
  const errors: unknown[] = [];
  const streamed = streamText({
    model: model(),
    prompt: "bad key",
    maxRetries: 0,
    onError: ({ error }) => {
      errors.push(error);
    },
  });
  await streamed.consumeStream();
  expect(JSON.stringify(errors)).toContain("refused the credential");
});
