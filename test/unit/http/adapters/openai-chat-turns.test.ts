/** A turn of Chat Completions: what its session is made with, images, one client that leaves and one that comes again. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { httpBench, openStream } from "../../../support/http.ts";
import { request } from "../../../support/api.ts";
import { eventually } from "../../../support/processes.ts";
import {
  assistant,
  COMPLETIONS,
  complete,
  refused,
  sessionCount,
  user,
} from "../../../support/openai-chat.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port, url, harness, sessions } = bench;
const { script } = harness;

/** Tests tell their words apart: the table of conversations is one. */
let word = "";
let count = 0;
beforeEach(() => {
  word = `w${(count += 1)}`;
  harness.script = (turn) => turn.say(`answer ${word}`).end();
});
afterEach(() => {
  harness.script = script;
  harness.imagesTaken = true;
});

describe("a session that is made", () => {
  test("has the request's metadata, and says which API made it", async () => {
    const { sessionId } = await complete(url, [user(`hi ${word}`)], { metadata: { visitor: "v1" } });
    const { body } = await request(url, "GET", `/v1/sessions/${sessionId}`);
    expect(body.metadata).toEqual({ api: "openai-chat", visitor: "v1" });
    const own = await complete(url, [user(`ho ${word}`)], { metadata: { api: "mine" } });
    expect((await request(url, "GET", `/v1/sessions/${own.sessionId}`)).body.metadata).toEqual({
      api: "mine",
    });
  });

  test("has a participant where the last message has a name", async () => {
    const { sessionId } = await complete(url, [{ ...user("hi"), name: "ada" }]);
    const { body } = await request(url, "GET", `/v1/sessions/${sessionId}`);
    expect(body.participants).toMatchObject([{ name: "ada", type: "human" }]);
  });
});

test("a tool that must be approved waits for the session API, and the stream goes on", async () => {
  const signal = new AbortController().signal;
  const asked = { kind: "tool_use", toolUseId: "t1", tool: "Bash", input: {}, options: [] } as const;
  harness.script = (turn) =>
    void turn.request
      .decide({ ...asked, message: "Use Bash?", signal })
      .then(({ kind }) => turn.say(kind).end());
  const body = { messages: [user(`run it ${word}`)], stream: true };
  const stream = await openStream(port, { path: COMPLETIONS, body });
  await stream.until('"type":"input_required"');
  const requestId = /"request_id":"(req_\w+)"/.exec(stream.said)?.[1] ?? "";
  const session = String(stream.headers["x-karta-session"]);
  const answer = { decision: "approve_once" };
  await request(url, "PUT", `/v1/sessions/${session}/inputs/${requestId}`, answer);
  await stream.end();
  expect(stream.said).toContain('"delta":{"content":"allow"}');
});

describe("a client that leaves", () => {
  const open = (headers: Record<string, string> = {}) =>
    openStream(port, {
      path: COMPLETIONS,
      headers,
      body: { messages: [user(`stay? ${word}`)], stream: true },
    });

  test("ends its turn", async () => {
    harness.script = () => undefined;
    const stream = await open();
    const turn = await harness.nextTurn();
    turn.say("so ");
    await stream.until('"so "');
    stream.leave();
    await eventually(() => turn.isOver, "the turn was ended");
    expect(turn.cancels).toBe(1);
    await eventually(() => sessions.liveTurns.length === 0, "its end is stored");
  });

  test("and sent an Idempotency-Key does not: it finds its turn again", async () => {
    harness.script = () => undefined;
    const key = { "Idempotency-Key": `key-${word}` };
    const stream = await open(key);
    const turn = await harness.nextTurn();
    turn.say("so ");
    await stream.until('"so "');
    stream.leave();
    await eventually(() => bench.store.feed.size === 0, "its listener was freed");
    const again = await open(key);
    turn.say("it is").end();
    await again.end();
    expect(again.said).toContain('"so "');
    expect(again.said).toContain('"it is"');
    expect(turn.cancels).toBe(0);
  });
});

describe("an Idempotency-Key", () => {
  test("runs a turn once: of a new conversation, of one that goes on, of two requests at once", async () => {
    const asked = [user(`once ${word}`)];
    const heard = harness.said.length;
    const send = (messages: object[], key: string) => complete(url, messages, {}, { "Idempotency-Key": key });
    const [first, same] = await Promise.all([send(asked, `a-${word}`), send(asked, `a-${word}`)]);
    expect(same.completion.id).toBe(first.completion.id);
    const more = [...asked, assistant(first.text), user("second")];
    const [second, again] = [await send(more, `b-${word}`), await send(more, `b-${word}`)];
    expect(again.completion.id).toBe(second.completion.id);
    expect(second.sessionId).toBe(first.sessionId);
    expect(harness.said).toHaveLength(heard + 2);
    const headers = { "Idempotency-Key": `b-${word}` };
    const other = await refused(url, { messages: [user("other")] }, { headers });
    expect(other.is).toBe("409 idempotency_mismatch");
    expect(other.headers.get("x-should-retry")).toBe("false");
  });
});

describe("images", () => {
  const PIXEL =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const image = (address: string) => ({ type: "image_url", image_url: { url: address, detail: "low" } });
  const png = image(`data:image/png;base64,${PIXEL}`);

  test("of the message and of what is told before reach the agent, named where they were", async () => {
    const asked = user([{ type: "text", text: `what is this? ${word}` }, png]);
    const { sessionId, text } = await complete(url, [asked]);
    expect(harness.turns.at(-1)?.request.images).toEqual([{ mediaType: "image/png", base64: PIXEL }]);
    const again = await complete(url, [asked, assistant(text), user("and now?")]);
    expect(again.sessionId).toBe(sessionId); // it has seen it
    expect(harness.turns.at(-1)?.request.images).toEqual([]);
    await complete(url, [asked, assistant("changed"), user([png])]);
    expect(harness.turns.at(-1)?.request.images).toHaveLength(2);
    expect(harness.said.at(-1)).toContain(`what is this? ${word}\n[image 1]`);
  });

  test("that stand elsewhere, or are none, or that the agent takes none of, are refused", async () => {
    const wrong = [
      [image("https://example.com/a.png"), "kartad does not fetch"],
      [image("data:image/svg+xml;base64,AAAA"), "data URL of a PNG"],
      [{ type: "input_audio", input_audio: { data: "", format: "wav" } }, "expected a part of type text"],
      [{ type: "file", file: { file_id: "f" } }, "expected a part of type text"],
    ] as const;
    for (const [part, words] of wrong) {
      const refusal = await refused(url, { messages: [user("hi"), assistant("ho"), user([part])] });
      expect(refusal.is).toBe("400 invalid_request");
      expect(refusal.error.param).toMatch(/^messages\.2\.content\.0/);
      expect(refusal.error.message).toContain(words);
    }
    harness.imagesTaken = false;
    const before = await sessionCount(url);
    const refusal = await refused(url, { messages: [user([png])] });
    expect(refusal.error.message).toContain("takes no images");
    expect(await sessionCount(url)).toBe(before);
  });
});
