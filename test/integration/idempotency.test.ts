/** A retried request never does its work twice: not at once, not later, not after a restart. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { frames, request, textOf, type Received } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": `tokens_per_second = 20\n[[reply]]\nwhen = "overload"\nerror = { status = 400, type = "invalid_request_error", message = "no" }\n[default]\ntext = "turn {{turn}} of this conversation"\n`,
  });
  kartad = await home.start();
  await home.operator.addProject(folder, "bot");
});
afterAll(() => home.remove());

const create = (key: string, body: object) =>
  request(kartad.url, "POST", "/v1/sessions", body, { "Idempotency-Key": key });
const newSession = async () => String((await request(kartad.url, "POST", "/v1/sessions", {})).body.id);
const send = (id: string, key: string, body: object) =>
  request(kartad.url, "POST", `/v1/sessions/${id}/messages`, body, { "Idempotency-Key": key });

async function stream(id: string, key: string, text: string): Promise<Received[]> {
  const response = await fetch(`${kartad.url}/v1/sessions/${id}/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ text, stream: true }),
  });
  expect(response.headers.get("content-type")).toMatch(/event-stream/);
  return Array.fromAsync(frames(response));
}

async function turnsOf(id: string): Promise<number> {
  const { body } = await request(kartad.url, "GET", `/v1/sessions/${id}/events?follow=false&limit=1000`);
  return Array.isArray(body.data)
    ? body.data.filter((event: { type: string }) => event.type === "message").length
    : -1;
}

describe("a session", () => {
  test("is made once for a key, whether the retries come together or later", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => create("make-1", { metadata: { a: 1, b: 2 } })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    const later = await create("make-1", { metadata: { b: 2, a: 1 } }); // the same body, written in another order
    expect(new Set([...answers, later].map(({ body }) => body.id)).size).toBe(1);
    expect((await create("make-2", { metadata: { a: 1, b: 2 } })).body.id).not.toBe(later.body.id);
  });

  test("is refused for the key of another body", async () => {
    await create("make-3", { metadata: { a: 1 } });
    expect(await create("make-3", { metadata: { a: 2 } })).toMatchObject({
      status: 409,
      body: { error: "idempotency_mismatch" },
    });
    expect(await create("k".repeat(256), {})).toMatchObject({
      status: 422,
      body: { error: "invalid_request" },
    });
  });
});

describe("a message", () => {
  test("sent twice at once runs one turn, and both streams tell all of it", async () => {
    const id = await newSession();
    const [first, second] = await Promise.all([stream(id, "send-1", "hello"), stream(id, "send-1", "hello")]);
    const ids = (received: readonly Received[]) => received.map(({ event }) => event.seq);
    expect(ids(second)).toEqual(ids(first));
    expect(textOf(first)).toBe("turn 1 of this conversation");
    expect(await turnsOf(id)).toBe(1);
  });

  test("sent again after its end is answered from the log, streamed or not, over a restart too", async () => {
    const id = await newSession();
    const first = await send(id, "send-2", { text: "hello" });
    expect(first).toMatchObject({ status: 200, body: { text: "turn 1 of this conversation" } });
    expect((await send(id, "send-2", { text: "hello" })).body).toEqual(first.body);
    await kartad.stop();
    kartad = await home.start();
    expect((await send(id, "send-2", { text: "hello" })).body).toEqual(first.body);
    expect(textOf(await stream(id, "send-2", "hello"))).toBe("turn 1 of this conversation");
    expect(await turnsOf(id)).toBe(1);
    expect((await send(id, "send-3", { text: "hello" })).body.text).toBe("turn 2 of this conversation");
  });

  test("that failed fails likewise, and with another body is refused", async () => {
    const id = await newSession();
    const first = await send(id, "send-4", { text: "overload" });
    expect(first).toMatchObject({ status: 502, body: { error: "model_error" } });
    expect((await send(id, "send-4", { text: "overload" })).body).toEqual(first.body);
    expect(await send(id, "send-4", { text: "other" })).toMatchObject({
      status: 409,
      body: { error: "idempotency_mismatch" },
    });
    expect(await turnsOf(id)).toBe(1);
  });

  test("the same key in another session is another message", async () => {
    const [a, b] = [await newSession(), await newSession()];
    await send(a, "send-5", { text: "hello" });
    await send(b, "send-5", { text: "hello" });
    expect(await turnsOf(b)).toBe(1);
  });
});
