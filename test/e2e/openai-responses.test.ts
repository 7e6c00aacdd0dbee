/** OpenAI's own client on a real kartad with the real Claude Code: the Responses API. Only the model is scripted. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import { createSession, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { openAi, refusalOf } from "../support/openai.ts";
import { eventuallyIs } from "../support/processes.ts";

jest.setTimeout(60_000);

const ROASTS = "Welcome! We've got Sunrise, Midnight and Decaf Dusk, each of them roasted this very week.";
const SCRIPT = `
first_token_ms = 0
tokens_per_second = 50

[[reply]]
when = "roasts"
text = "${ROASTS}"

[[reply]]
when = "what did i say first"
text = "You first said: {{first_user}} (turn {{turn}})"

[[reply]]
when = "slowly"
text = "one two three four five six seven eight nine ten eleven twelve"
tokens_per_second = 4

[[reply]]
when = "write it down"
tool = { name = "Write", input = { file_path = "note.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"

[[reply]]
when = "think"
thinking = "Let me see."
text = "Seen."

[[reply]]
when = "bad request"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[default]
text = "ok: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
let client: OpenAI;
beforeAll(async () => {
  home = makeHome();
  const folder = home.project("bot", { "CLAUDE.md": "# Beans\n\nYou are Beans.\n", "offline.toml": SCRIPT });
  kartad = await home.start();
  await home.operator.addProject(folder, "bot");
  client = openAi(kartad.url);
});
afterAll(() => home.remove());

type Params = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream">;
const create = (input: string, more: Params = {}) =>
  client.responses.create({ model: "bot", input, ...more });
const sessionOf = (answer: Response): string => answer.headers.get("x-karta-session") ?? "";

describe("a response", () => {
  test("is the agent's answer, with its usage, as the native API has it", async () => {
    const response = await create("What roasts do you have?");
    const native = await send(kartad.url, (await createSession(kartad.url)).id, "What roasts do you have?");
    expect(response).toMatchObject({ object: "response", status: "completed", model: "bot", error: null });
    expect(response.output_text).toBe(native.text);
    expect(response.usage?.output_tokens).toBeGreaterThan(0);
    expect(response.usage?.total_tokens).toBe(
      (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
    );
    expect(await client.responses.retrieve(response.id)).toEqual(response);
  });

  test("streams while the turn runs; the pieces add up", async () => {
    const call = client.responses.create({ model: "bot", input: "Count slowly.", stream: true });
    const { data: stream, response } = await call.withResponse();
    let joined = "";
    let runningAtFirst: unknown = null;
    const numbers: number[] = [];
    for await (const event of stream) {
      numbers.push(event.sequence_number);
      if (event.type !== "response.output_text.delta") continue;
      joined += event.delta;
      runningAtFirst ??= (await request(kartad.url, "GET", `/v1/sessions/${sessionOf(response)}`)).body.turn;
    }
    expect(runningAtFirst).toMatchObject({ state: "running" });
    expect(joined).toBe("one two three four five six seven eight nine ten eleven twelve");
    expect(numbers).toEqual(numbers.map((_, index) => index));
    const [native] = (await storedEvents(kartad.url, sessionOf(response))).flatMap((event) =>
      event.type === "done" ? event.data.message.text : [],
    );
    expect(joined).toBe(native);
  });

  test("goes through the client's stream helper", async () => {
    const stream = client.responses.stream({ model: "bot", input: "What roasts do you have?" });
    let snapshot = "";
    stream.on("response.output_text.delta", (event) => (snapshot = event.snapshot));
    const final = await stream.finalResponse();
    expect([final.output_text, snapshot]).toEqual([ROASTS, ROASTS]);
    expect(final.status).toBe("completed");
  });

  test("shows reasoning to those who ask", async () => {
    const asked = await create("think", { reasoning: { summary: "auto" } });
    expect(asked.output).toMatchObject([
      { type: "reasoning", summary: [{ text: "Let me see." }] },
      { type: "message" },
    ]);
    expect((await create("think")).output).toMatchObject([{ type: "message" }]);
  });

  test("waits for an approval given over the native API; the tool is reported, not asked for", async () => {
    const stream = client.responses.stream({ model: "bot", input: "Please write it down." });
    const finished = stream.finalResponse();
    const { response } = await new Promise<{ response: OpenAI.Responses.Response }>((resolve) =>
      stream.on("response.created", resolve),
    );
    const head = await client.responses.retrieve(response.id).withResponse();
    const session = sessionOf(head.response);
    const waiting = async () =>
      (await request(kartad.url, "GET", `/v1/sessions/${session}`)).body.pending_input;
    await eventuallyIs(async () => (await waiting()) !== null, true);
    const [asked] = (await storedEvents(kartad.url, session)).flatMap((event) =>
      event.type === "input_required" ? event.data.request_id : [],
    );
    const answered = await request(kartad.url, "PUT", `/v1/sessions/${session}/inputs/${asked}`, {
      decision: "approve_once",
    });
    expect(answered.status).toBe(200);
    const final = await finished;
    expect(final.output).toMatchObject([
      { type: "mcp_call", server_label: "karta", name: "Write", status: "completed", error: null },
      { type: "message", status: "completed" },
    ]);
    expect(final.output_text).toMatch(/^The tool said: /);
  });
});

describe("a conversation", () => {
  test("goes on by previous_response_id in the same thread", async () => {
    const first = await create("My favourite is Midnight.").withResponse();
    const second = await create("What did I say first?", {
      previous_response_id: first.data.id,
    }).withResponse();
    expect(second.data.output_text).toBe("You first said: My favourite is Midnight. (turn 2)");
    expect(sessionOf(second.response)).toBe(sessionOf(first.response));
  });

  test("that is taken up at an earlier point is told what was said up to there", async () => {
    const first = await create("My favourite is Midnight.");
    await create("No, it is Sunrise.", { previous_response_id: first.id });
    const fork = await create("What did I say first?", { previous_response_id: first.id });
    expect(fork.output_text).toContain("My favourite is Midnight.");
    expect(fork.output_text).toContain("(turn 1)");
    expect(fork.output_text).not.toContain("Sunrise");
  });

  test("hears its instructions once", async () => {
    const first = await create("hello", { instructions: "Answer in French." });
    expect(first.output_text).toMatch(/^ok: [^]*Answer in French\.[^]*hello$/);
    const more = { instructions: "Answer in French.", previous_response_id: first.id };
    expect((await create("again", more)).output_text).toBe("ok: again");
  });
});

describe("a client that leaves", () => {
  test("cancels its turn; the session goes on", async () => {
    const call = client.responses.create({ model: "bot", input: "Count slowly.", stream: true });
    const { data: stream, response } = await call.withResponse();
    for await (const event of stream) if (event.type === "response.output_text.delta") break; // aborts the request
    const ends = async () =>
      (await storedEvents(kartad.url, sessionOf(response)))
        .flatMap((event) => (event.type === "done" ? event.data.status : []))
        .join(", ");
    await eventuallyIs(ends, "cancelled");
    expect((await create("still there?", { conversation: sessionOf(response) })).output_text).toBe(
      "ok: still there?",
    );
  });

  test("leaves one of the background alone, and reads on from where it was", async () => {
    const stream = await client.responses.create({
      model: "bot",
      input: "Count slowly.",
      background: true,
      stream: true,
    });
    let id = "";
    let seen = -1;
    let text = "";
    for await (const event of stream) {
      if (event.type === "response.created") id = event.response.id;
      if (event.type === "response.output_text.delta") text += event.delta;
      seen = event.sequence_number;
      if (text.includes("three")) break;
    }
    expect((await client.responses.retrieve(id)).status).toBe("in_progress");
    for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: seen })) {
      expect(event.sequence_number).toBe(seen + 1);
      seen = event.sequence_number;
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toBe("one two three four five six seven eight nine ten eleven twelve");
    expect(await client.responses.retrieve(id)).toMatchObject({ status: "completed", output_text: text });
  });

  test("can cancel one of the background, and delete it", async () => {
    const { id } = await create("Count slowly.", { background: true });
    for await (const event of await client.responses.retrieve(id, { stream: true }))
      if (event.type === "response.output_text.delta") break;
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
    await client.responses.delete(id);
    expect(await refusalOf(client.responses.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
  });
});

test("errors have the client's classes, and a turn that failed is not run again", async () => {
  const patient = openAi(kartad.url, "/v1", { maxRetries: 2 });
  const refused = await refusalOf(patient.responses.create({ model: "bot", input: "a bad request" }));
  expect(refused).toBeInstanceOf(OpenAI.InternalServerError);
  expect(refused).toMatchObject({ code: "model_error" });
  const { data } = (await request(kartad.url, "GET", "/v1/sessions?limit=1")).body;
  const [newest] = Array.isArray(data) ? data.map((one: { id: string }) => one.id) : [];
  const sent = (await storedEvents(kartad.url, newest ?? "")).filter(({ type }) => type === "message");
  expect(sent.map(({ data: message }) => message)).toMatchObject([{ text: "a bad request" }]);

  expect(await refusalOf(client.responses.create({ model: "gpt-4o", input: "hi" }))).toBeInstanceOf(
    OpenAI.NotFoundError,
  );
  expect(await refusalOf(create("hi", { previous_response_id: "resp_1" }))).toBeInstanceOf(
    OpenAI.BadRequestError,
  );
  expect(await refusalOf(create("hi", { top_logprobs: 3 }))).toBeInstanceOf(OpenAI.BadRequestError);
});

test("after a kill -9 a response that ran is failed, what was said stays, and the conversation goes on", async () => {
  const first = await create("My favourite is Midnight.");
  const stream = await client.responses.create({
    model: "bot",
    input: "Count slowly.",
    previous_response_id: first.id,
    background: true,
    stream: true,
  });
  let id = "";
  const before: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of stream) {
    before.push(event);
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") break;
  }
  await kartad.kill();
  kartad = await home.start();
  client = openAi(kartad.url);

  const response = await client.responses.retrieve(id);
  expect(response).toMatchObject({ id, status: "failed", previous_response_id: first.id });
  expect(response.error?.message).toMatch(/^kartad ended while this turn ran.*\(daemon_restarted\)$/);
  expect(response.output_text).toMatch(/^one/);
  const again = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
  expect(again.slice(0, before.length)).toEqual(before);
  expect(again.at(-1)).toMatchObject({ type: "response.failed", response: { status: "failed" } });
  expect(await client.responses.retrieve(first.id)).toEqual(first);
  const on = await create("What did I say first?", { previous_response_id: first.id });
  expect(on.output_text).toContain("My favourite is Midnight.");
});
