import { expect, test } from "@jest/globals";
import { splitIntoPieces } from "../../../daemon/offline-model/pieces.ts";
import { atPace } from "../../../daemon/offline-model/pace.ts";
import { ask, frames, post, PROJECT, scriptOf, serve } from "./served.ts";

const WORDS = "one two three four five six seven eight";

async function readUntilBroken(response: Response): Promise<{ deltas: number; whole: boolean }> {
  let deltas = 0;
  try {
    for await (const frame of frames(response)) {
      if (frame.includes("content_block_delta")) deltas += 1;
      if (frame.includes("message_stop")) return { deltas, whole: true };
    }
  } catch {
    return { deltas, whole: false };
  }
  throw new Error("the stream ended politely, without its end");
}

test("deltas arrive one by one over time", async () => {
  await using served = await serve(`[default]\ntext = "${WORDS}"\ntokens_per_second = 50`);
  const response = await ask(served.base, "x");
  if (response.body === null) throw new Error("no body");
  const chunks = await Array.fromAsync(response.body.pipeThrough(new TextDecoderStream()));
  const withDelta = chunks.filter((chunk) => chunk.includes("text_delta"));
  expect(withDelta.length).toBeGreaterThan(3);
});

test("a reply's pace is its own, and the file's is for the others", () => {
  const script = scriptOf(
    "first_token_ms = 5\n[default]\ntext = 'a'\nfirst_token_ms = 7\ntokens_per_second = 9",
  );
  expect([script.pace, script.fallback.pace]).toEqual([
    { firstTokenMs: 5, tokensPerSecond: 60 },
    { firstTokenMs: 7, tokensPerSecond: 9 },
  ]);
});

test.each(["pieces", "whole"])("a cut breaks the connection after its tokens (%s)", async (how) => {
  await using served = await serve(`[default]\ntext = "${WORDS}"\ncut_after_tokens = 3`);
  if (how === "pieces") {
    expect(await readUntilBroken(await ask(served.base, "x"))).toEqual({ deltas: 3, whole: false });
  } else {
    await expect(ask(served.base, "x", { stream: false })).rejects.toThrow("fetch failed");
  }
});

test("a cut past the end still breaks off before the end", async () => {
  await using served = await serve(`[default]\ntext = "${WORDS}"\ncut_after_tokens = 100`);
  expect(await readUntilBroken(await ask(served.base, "x"))).toEqual({ deltas: 8, whole: false });
});

test("stop breaks a stream off in the middle, at once, and may be called twice", async () => {
  const { model, base } = await serve(`[default]\ntext = "${WORDS}"\ntokens_per_second = 0.01`);
  const response = await ask(base, "x");
  const reading = readUntilBroken(response);
  await model.stop();
  expect(await reading).toMatchObject({ whole: false });
  await model.stop();
  await expect(ask(base, "x")).rejects.toThrow("fetch failed");
});

test("a client that leaves takes its timer along, and others go on", async () => {
  await using served = await serve(`
    [[reply]]
    when = 'slow'
    text = "${WORDS}"
    tokens_per_second = 0.01
    [default]
    text = "here"`);
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const leaving = new AbortController();
  const body = { stream: true, messages: [{ role: "user", content: "slow" }] };
  const response = await post(`${served.base}/v1/messages`, body, leaving.signal);
  const read = frames(response);
  // message_start, content_block_start, the first delta: the next is a minute and more away.
  for (let frame = 0; frame < 3; frame += 1) await read.next();
  const before = timers();
  leaving.abort();
  await expect(read.next()).rejects.toThrow();
  while (timers() >= before) await new Promise((resolve) => setImmediate(resolve));
  expect((await ask(served.base, "x")).status).toBe(200);
});

test("a script that changes in the middle of a reply leaves that reply as it was", async () => {
  await using served = await serve(`[default]\ntext = "${WORDS}"\ntokens_per_second = 100`);
  const response = await ask(served.base, "x");
  served.model.removeScript(PROJECT);
  expect(await readUntilBroken(response)).toEqual({ deltas: 8, whole: true });
});

test("pieces are due from the start: late ones are caught up with", async () => {
  const pace = { firstTokenMs: 0, tokensPerSecond: 1 };
  const longAgo = performance.now() - 60_000;
  const all = await Array.fromAsync(atPace([1, 2, 3], pace, longAgo, new AbortController().signal));
  expect(all).toEqual([1, 2, 3]);
});

test.each([
  "Hello, world!  Two spaces\nand\ta tab. ",
  "👩‍👩‍👧‍👦🇩🇪🇫🇷 e\u0301te\u0301 👍🏽 ☕️",
  "漢字かな交じり文です。",
  "a".repeat(1000),
  "👩‍👩‍👧‍👦".repeat(50),
  "",
])("pieces of %j are whole characters, and the text again", (text) => {
  const pieces = splitIntoPieces(text);
  expect(pieces.join("")).toBe(text);
  const graphemes = (part: string) =>
    [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(part)].map(({ segment }) => segment);
  expect(pieces.flatMap(graphemes)).toEqual(graphemes(text));
  expect(pieces.every((piece) => piece.length <= 32)).toBe(true);
});
