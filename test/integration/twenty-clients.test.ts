/**
 * Twenty streams at once through the official clients of two APIs, from a real kartad with scripted agents. With the real
 * Claude Code, openai-chat.test.ts has as many: twenty starts of it are twenty seconds of the machine's time.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { orderText } from "../fixtures/scripted-kartad/order.ts";
import { anthropicOf, saying } from "../support/anthropic.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { openAi } from "../support/openai.ts";
import { beginScripted } from "../support/scripted-kartad.ts";

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await beginScripted(home);
});
afterAll(() => home.remove());

const numbers = Array.from({ length: 20 }, (_, index) => index);
/** Said slowly enough that all twenty are under way together. */
const order = (index: number): string =>
  orderText({ says: `number ${index}, `, events: 20, atOnce: 5, pauseMs: 20 });
const words = numbers.map((index) => `number ${index}, `.repeat(20));

test("OpenAI's Responses: each streams its own words", async () => {
  const client = openAi(kartad.url);
  const texts = await Promise.all(
    numbers.map(async (index) => {
      const stream = await client.responses.create({ model: "bot", input: order(index), stream: true });
      const events = await Array.fromAsync(stream);
      expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { error: null } });
      return events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");
    }),
  );
  expect(texts).toEqual(words);
});

test("Anthropic's Messages: each streams its own words", async () => {
  const client = anthropicOf(kartad.url);
  const texts = await Promise.all(
    numbers.map((index) => client.messages.stream(saying(order(index))).finalText()),
  );
  expect(texts).toEqual(words);
});
