/** Anthropic's Messages where clients leave, people are asked and things go wrong. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import { anthropicOf, saying, sessionIn } from "../support/anthropic.ts";
import { createSession, request, storedEvents } from "../support/api.ts";
import type { Kartad, TestHome } from "../support/kartad.ts";
import { eventuallyIs } from "../support/processes.ts";
import { anthropicScene } from "./support/anthropic-scene.ts";

jest.setTimeout(120_000);

let home: TestHome;
let kartad: Kartad;
let client: Anthropic;

beforeAll(async () => {
  ({ home, kartad } = await anthropicScene());
  client = anthropicOf(kartad.url);
});
afterAll(() => home.remove());

/** How a session's turns ended. */
async function endsIn(sessionId: string): Promise<string[]> {
  const events = await storedEvents(kartad.url, sessionId);
  return events.flatMap(({ type, data }) => {
    if (type === "done") return data.status;
    return type === "error" ? data.code : [];
  });
}

describe("a client that leaves", () => {
  test("in the middle of a stream ends its turn", async () => {
    const stream = client.messages.stream(saying("Count slowly."));
    const sessionId = sessionIn((await stream.withResponse()).response);
    await stream.emitted("text");
    stream.abort();
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
    await eventuallyIs(() => endsIn(sessionId), ["cancelled"]);
  });

  test("in the middle of a whole answer ends it too", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const leaving = new AbortController();
    const asked = client.messages.create(saying("Count slowly."), {
      headers: { "X-Karta-Session": id },
      signal: leaving.signal,
    });
    const outcome = expect(asked).rejects.toThrow(Anthropic.APIUserAbortError);
    await eventuallyIs(
      async () => (await storedEvents(kartad.url, id)).some(({ type }) => type === "text"),
      true,
    );
    leaving.abort();
    await outcome;
    await eventuallyIs(() => endsIn(id), ["cancelled"]);
  });

  test("with an Idempotency-Key comes back to its turn, whole or streamed", async () => {
    const headers = { "Idempotency-Key": "order-17" };
    const leaving = new AbortController();
    const asked = client.messages.create(
      { ...saying("Count slowly."), stream: true },
      { headers, signal: leaving.signal },
    );
    const { response } = await asked.withResponse();
    leaving.abort();
    const back = client.messages.stream(saying("Count slowly."), { headers });
    const whole = await client.messages.create(saying("Count slowly."), { headers }).withResponse();
    expect(await back.finalMessage()).toMatchObject(whole.data);
    expect(sessionIn(whole.response)).toBe(sessionIn(response));
    expect(await endsIn(sessionIn(response))).toEqual(["completed"]);
    const again = await client.messages.stream(saying("Count slowly."), { headers }).finalMessage();
    expect(again).toMatchObject(whole.data);
    await expect(client.messages.create(saying("Another."), { headers })).rejects.toThrow(
      Anthropic.ConflictError,
    );
  });
});

describe("an approval", () => {
  test("keeps the stream waiting, and is given over the native API", async () => {
    const careful = anthropicOf(kartad.url, "careful");
    const stream = careful.messages.stream({ ...saying("please write it down"), model: "careful" });
    const sessionId = sessionIn((await stream.withResponse()).response);
    const pending = async () =>
      (await request(kartad.url, "GET", `/v1/sessions/${sessionId}`)).body.pending_input;
    await eventuallyIs(async () => (await pending()) !== null, true);
    const asked = await pending();
    expect(asked).toMatchObject({ tool: "Write" });
    const id =
      typeof asked === "object" && asked !== null && "request_id" in asked ? String(asked.request_id) : "";
    await request(kartad.url, "PUT", `/v1/sessions/${sessionId}/inputs/${id}`, { decision: "approve_once" });
    expect(await stream.finalText()).toContain("The tool said: ");
  });

  test("a turn that somebody else cancels is an answer cut short", async () => {
    const stream = client.messages.stream(saying("Count slowly."));
    const sessionId = sessionIn((await stream.withResponse()).response);
    await stream.emitted("text");
    await request(kartad.url, "POST", `/v1/sessions/${sessionId}/cancel`);
    expect(await stream.finalMessage()).toMatchObject({ stop_reason: "max_tokens" });
  });
});

describe("an error", () => {
  test("is of the class that the client has for it, and says what to do", async () => {
    await expect(anthropicOf(kartad.url, "nobody").messages.create(saying("hi"))).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    await expect(client.messages.create({ ...saying("hi"), model: "bot@nobody" })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    await expect(anthropicOf(kartad.url, "bot").models.retrieve("careful")).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    const tools = [{ name: "f", input_schema: { type: "object" as const } }];
    const refused = await client.messages.create({ ...saying("hi"), tools }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
    expect(refused).toMatchObject({
      status: 400,
      type: "invalid_request_error",
      errorCode: "invalid_request",
      apiMessage: expect.stringContaining("tools: not supported here"),
      requestID: expect.stringMatching(/^req_/),
      error: { type: "error", request_id: expect.stringMatching(/^req_/) },
    });
    await expect(client.messages.create({ ...saying("hi"), messages: [] })).rejects.toThrow(
      Anthropic.BadRequestError,
    );
    await expect(client.get("/v1/files")).rejects.toThrow(Anthropic.NotFoundError);
    await expect(client.messages.create(saying("x".repeat(3_000_000)))).rejects.toThrow(
      Anthropic.ContentTooLargeError,
    );
    const elsewhere = anthropicOf(kartad.url, "bot", { defaultHeaders: { origin: "https://evil.example" } });
    await expect(elsewhere.messages.create(saying("hi"))).rejects.toThrow(Anthropic.PermissionDeniedError);
  });

  test("of the model is a server's, and is not tried again by itself", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const patient = anthropicOf(kartad.url, "bot", { maxRetries: 2 });
    const asked = patient.messages.create(saying("overload it"), { headers: { "X-Karta-Session": id } });
    await expect(asked).rejects.toThrow(Anthropic.InternalServerError);
    expect(await endsIn(id)).toEqual(["model_error"]);
  });

  test("in the middle of a stream is thrown to who reads it", async () => {
    const stream = client.messages.stream(saying("overload it"));
    const failed = await stream.finalMessage().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Anthropic.APIError);
    expect(failed).toMatchObject({ type: "api_error", errorCode: "model_error" });
  });

  test("of a session whose queue is full is a rate limit's", async () => {
    const { id } = await createSession(kartad.url, { project: "bot" });
    const headers = { "X-Karta-Session": id };
    const leaving = new AbortController();
    const asks = Array.from({ length: 20 }, () =>
      client.messages.create(saying("Count slowly."), { headers, signal: leaving.signal }),
    );
    const outcomes = Promise.allSettled(asks);
    await expect(
      Promise.any(asks.map((ask) => ask.then(() => null, requireRateLimit))),
    ).resolves.toBeInstanceOf(Anthropic.RateLimitError);
    leaving.abort();
    await outcomes;
  });
});

function requireRateLimit(error: unknown): unknown {
  if (error instanceof Anthropic.RateLimitError) return error;
  throw error;
}
