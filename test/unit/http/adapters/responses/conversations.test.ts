/** Which session a response goes on in, and what its agent is told: with OpenAI's client, on scripted agents. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import { toResponseInputItems } from "openai/lib/responses/ResponseInputItems";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import { httpBench } from "../../../../support/http.ts";
import { openAi, refusalOf } from "../../../../support/openai.ts";
import { spawnerForTests } from "../../../apps/temp-project.ts";

jest.setTimeout(20_000);

const bench = await httpBench(spawnerForTests());
const { harness, sessions, url, store } = bench;
const client = openAi(url);
const { script } = harness;
afterEach(() => {
  harness.script = script;
});

interface Ran {
  readonly response: OpenAI.Responses.Response;
  readonly sessionId: string;
  /** What the agent was sent. */
  readonly heard: string;
}

async function run(
  params: Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, "stream">,
  headers: Record<string, string> = {},
): Promise<Ran> {
  const { data, response } = await client.responses
    .create({ model: "bot", ...params }, { headers })
    .withResponse();
  return {
    response: data,
    sessionId: response.headers.get("x-karta-session") ?? "",
    heard: harness.said.at(-1) ?? "",
  };
}
const ask = (input: string, previous?: Ran) =>
  run({ input, ...(previous === undefined ? {} : { previous_response_id: previous.response.id }) });

describe("previous_response_id", () => {
  test("of the session's newest response goes on in it; nothing is told twice", async () => {
    const first = await ask("one");
    const second = await ask("two", first);
    const third = await ask("three", second);
    expect([second.sessionId, third.sessionId]).toEqual([first.sessionId, first.sessionId]);
    expect([second.heard, third.heard]).toEqual(["two", "three"]);
    expect(third.response.previous_response_id).toBe(second.response.id);
  });

  test("of an older one begins anew, told what was said up to there and no further", async () => {
    const first = await ask("one");
    const second = await ask("two", first);
    const fork = await ask("other", first);
    expect(fork.sessionId).not.toBe(first.sessionId);
    expect(fork.heard).toMatch(/by="user">\none\n[^]*by="assistant">\nYou said: one\n[^]*other$/);
    expect(fork.heard).not.toContain("two");
    const later = await ask("later", fork);
    expect([later.sessionId, later.heard]).toEqual([fork.sessionId, "later"]);
    const again = await ask("again", second); // its own session is at rest where it was
    expect([again.sessionId, again.heard]).toEqual([first.sessionId, "again"]);
    const forkOfFork = await ask("last", fork);
    expect(forkOfFork.heard).toMatch(/\none\n[^]*\nother\n[^]*last$/);
  });

  test("of two at once, one goes on and the other begins anew", async () => {
    const first = await ask("one");
    const both = await Promise.all([ask("left", first), ask("right", first)]);
    expect(both.filter(({ sessionId }) => sessionId === first.sessionId)).toHaveLength(1);
    expect(harness.said.slice(-2).filter((heard) => heard.includes("\none\n"))).toHaveLength(1);
  });

  test("after a message by the session API begins anew: the thread is past it", async () => {
    const first = await ask("one");
    await bench.ask(first.sessionId, "by another client");
    expect((await ask("two", first)).sessionId).not.toBe(first.sessionId);
  });

  test("of a response that is not there is OpenAI's own error", async () => {
    const refusal = await refusalOf(
      client.responses.create({ model: "bot", input: "x", previous_response_id: "resp_1" }),
    );
    expect(refusal).toBeInstanceOf(OpenAI.BadRequestError);
    expect(refusal).toMatchObject({ code: "previous_response_not_found", param: "previous_response_id" });
  });
});

describe("instructions", () => {
  test("are told once, and again when they change", async () => {
    const first = await run({ input: "one", instructions: "Be short." });
    expect(first.heard).toMatch(/Be short\.[^]*one$/);
    const previous_response_id = first.response.id;
    const second = await run({ input: "two", instructions: "Be short.", previous_response_id });
    expect(second.heard).toBe("two");
    const third = await run({
      input: "three",
      instructions: "Be long.",
      previous_response_id: second.response.id,
    });
    expect(third.heard).toMatch(/Be long\.[^]*three$/);
    const fourth = await run({
      input: "four",
      instructions: "Be long.",
      previous_response_id: third.response.id,
    });
    expect([fourth.heard, fourth.sessionId]).toEqual(["four", first.sessionId]);
    expect(fourth.response.instructions).toBe("Be long.");
  });

  test("may be messages of the input; nobody else sees them", async () => {
    const { heard, sessionId } = await run({
      input: [
        { role: "developer", content: "Be kind." },
        { role: "user", content: "hello" },
      ],
    });
    expect(heard).toMatch(/Be kind\.[^]*hello$/);
    expect((await bench.events(sessionId))[0]).toMatchObject({ type: "message", data: { text: "hello" } });
    const { data } = await sessions.messages({ kind: "all" }, sessionId, {
      limit: 10,
      cursor: null,
      thinking: false,
    });
    expect(data[0]).toMatchObject({ role: "user", text: "hello" });
  });
});

describe("an input that repeats the conversation", () => {
  /** A response's items, as OpenAI's client sends them back. */
  const said = ({ response }: Ran) => toResponseInputItems(response.output);
  const user = (content: string): ResponseInputItem => ({ role: "user", content });

  test("with the items that came goes on in the same session, however often", async () => {
    harness.script = (turn) =>
      turn
        .say("I look. ")
        .emit({ type: "tool_use", id: "1", name: "Read", input: {} })
        .emit({ type: "tool_result", id: "1", isError: false, content: "17" })
        .say("It is 17.")
        .end();
    const input: ResponseInputItem[] = [user("one")];
    const first = await run({ input, instructions: "Be short." });
    input.push(...said(first), user("two"));
    const second = await run({ input, instructions: "Be short." });
    expect([second.sessionId, second.heard]).toEqual([first.sessionId, "two"]);
    input.push(...said(second), user("three"));
    const third = await run({ input, instructions: "Be short." });
    expect([third.sessionId, third.heard]).toEqual([first.sessionId, "three"]);
  });

  test("by references to them likewise", async () => {
    const first = await run({ input: [user("one")] });
    const [item] = first.response.output;
    const input: ResponseInputItem[] = [
      user("one"),
      { type: "item_reference", id: item?.id ?? "" },
      user("two"),
    ];
    expect(await run({ input })).toMatchObject({ sessionId: first.sessionId, heard: "two" });
  });

  test("that was edited begins anew, and is told as it is now", async () => {
    const first = await run({ input: [user("one")] });
    const edited = await run({ input: [user("one and a half"), ...said(first), user("two")] });
    expect(edited.sessionId).not.toBe(first.sessionId);
    expect(edited.heard).toMatch(/\none and a half\n[^]*\nYou said: one\n[^]*two$/);
    const on = await run({
      input: [
        user("one and a half"),
        ...said(first),
        user("two"),
        ...said(edited),
        user("three"),
      ],
    });
    expect([on.sessionId, on.heard]).toEqual([edited.sessionId, "three"]);
  });

  test("that began elsewhere is told whole, and known from then on", async () => {
    const input: ResponseInputItem[] = [
      user("hi"),
      { role: "assistant", content: "Hello!" },
      user("who are you?"),
    ];
    const first = await run({ input });
    expect(first.heard).toMatch(/\nhi\n[^]*\nHello!\n[^]*who are you\?$/);
    const second = await run({ input: [...input, ...said(first), user("really?")] });
    expect([second.sessionId, second.heard]).toEqual([first.sessionId, "really?"]);
  });

  test("refers to nothing that is not there", async () => {
    const id = `msg_${"0".repeat(24)}_0`;
    const input: ResponseInputItem[] = [{ type: "item_reference", id }, user("two")];
    const refusal = await refusalOf(client.responses.create({ model: "bot", input }));
    expect(refusal).toBeInstanceOf(OpenAI.BadRequestError);
    expect(refusal).toMatchObject({ param: "input", message: expect.stringContaining(id) });
  });
});

describe("a conversation", () => {
  test("is a session: it goes on through responses, and ends when it is deleted", async () => {
    const made = await client.conversations.create({ metadata: { visitor: "v1" } });
    expect(made).toMatchObject({ object: "conversation", metadata: { visitor: "v1" } });
    const first = await run({ input: "one", conversation: made.id });
    const second = await run({ input: "two", conversation: { id: made.id } });
    expect(second.sessionId).toBe(first.sessionId);
    expect(second.sessionId.slice("sess_".length)).toBe(made.id.slice("conv_".length));
    expect(second.response.conversation).toEqual({ id: made.id });
    expect(await client.conversations.retrieve(made.id)).toEqual(made);
    expect(await client.conversations.delete(made.id)).toEqual({
      id: made.id,
      object: "conversation.deleted",
      deleted: true,
    });
    for (const gone of [
      client.conversations.retrieve(made.id),
      client.responses.create({ model: "bot", input: "three", conversation: made.id }),
      client.responses.retrieve(first.response.id), // freed with its session
    ])
      expect(await refusalOf(gone)).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("may be any session, by its own id too or by the header; a fork of it hears all of it", async () => {
    const id = await bench.create();
    const first = await run({ input: "one", conversation: id });
    const second = await run({ input: "two" }, { "X-Karta-Session": id });
    expect([first.sessionId, second.sessionId]).toEqual([id, id]);
    expect(first.response.conversation).toEqual({ id: id.replace("sess_", "conv_") });
    await run({ input: "three", conversation: id });
    const fork = await ask("other", second);
    expect(fork.sessionId).not.toBe(id);
    expect(fork.heard).toMatch(/\none\n[^]*\ntwo\n[^]*other$/);
  });

  test("cannot be given with previous_response_id", async () => {
    const first = await ask("one");
    const both = { previous_response_id: first.response.id, conversation: first.sessionId };
    expect(await refusalOf(client.responses.create({ model: "bot", input: "x", ...both }))).toMatchObject({
      status: 400,
      param: "previous_response_id",
    });
  });

  test("takes no items when it is made", async () => {
    const items = [{ role: "user" as const, content: "hi" }];
    expect(await refusalOf(client.conversations.create({ items }))).toMatchObject({
      status: 400,
      param: "items",
    });
  });
});

describe("what is kept", () => {
  test("nothing with store: false, and its session ends with it", async () => {
    const { response, sessionId } = await run({ input: "one", store: false });
    expect(response).toMatchObject({ store: false, output_text: "You said: one" });
    expect(await refusalOf(client.responses.retrieve(response.id))).toBeInstanceOf(OpenAI.NotFoundError);
    expect((await sessions.get({ kind: "all" }, sessionId)).status).toBe("archived");
  });

  test("store: false leaves the response before as it was", async () => {
    const first = await ask("one");
    const aside = await run({ input: "aside", store: false, previous_response_id: first.response.id });
    expect(aside.sessionId).not.toBe(first.sessionId);
    expect(aside.heard).toMatch(/\none\n[^]*aside$/);
    expect((await ask("two", first)).sessionId).toBe(first.sessionId);
  });

  test("a deleted response is gone; the last one takes its session along", async () => {
    const first = await ask("one");
    const second = await ask("two", first);
    await client.responses.delete(first.response.id);
    expect(await refusalOf(client.responses.retrieve(first.response.id))).toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    expect((await ask("three", second)).sessionId).toBe(first.sessionId);
    const fork = await ask("other", second);
    expect(fork.heard).not.toContain("\none\n");
    for (const row of store.outside
      .prepare("select id from responses where session_id = ?")
      .all(first.sessionId))
      await client.responses.delete(String(row.id));
    expect((await sessions.get({ kind: "all" }, first.sessionId)).status).toBe("archived");
    expect((await sessions.get({ kind: "all" }, fork.sessionId)).status).toBe("active");
  });

  test("a response that is refused leaves no session behind", async () => {
    const before = await store.store.sessions.countActive();
    harness.unavailable = "no key";
    try {
      expect(await refusalOf(ask("one"))).toBeInstanceOf(OpenAI.InternalServerError);
    } finally {
      harness.unavailable = null;
    }
    expect(await store.store.sessions.countActive()).toEqual(before);
  });

  test("what was asked can be listed, newest first or oldest first, page by page", async () => {
    const { response } = await run({
      input: [
        { role: "developer", content: "Be kind." },
        { role: "user", content: "hello" },
        {
          role: "user",
          content: [{ type: "input_image", detail: "auto", image_url: "data:image/png;base64,AAAA" }],
        },
      ],
    });
    const listed = await Array.fromAsync(
      client.responses.inputItems.list(response.id, { limit: 2, order: "asc" }),
    );
    expect(listed).toMatchObject([
      { type: "message", role: "developer", content: [{ type: "input_text", text: "Be kind." }] },
      { type: "message", role: "user", content: [{ type: "input_text", text: "hello" }] },
      { type: "message", role: "user", content: [{ type: "input_image", image_url: null }] },
    ]);
    const newestFirst = await Array.fromAsync(client.responses.inputItems.list(response.id));
    expect(newestFirst).toEqual(listed.toReversed());
  });
});

describe("a scope", () => {
  test("of a project is the same as the flat one's for its own sessions", async () => {
    const inProject = openAi(url, "/v1/projects/bot");
    const ofOrg = openAi(url, "/local/bot/v1");
    const first = await inProject.responses.create({ model: "gpt-4o", input: "one" });
    expect(first).toMatchObject({ model: "bot", output_text: "You said: one" });
    const second = await ofOrg.responses.create({ input: "two", previous_response_id: first.id });
    expect((await client.responses.retrieve(second.id)).output_text).toBe("You said: two");
  });

  test("knows no project that is not there, and no model", async () => {
    const strange = openAi(url, "/v1/projects/other");
    expect(await refusalOf(strange.responses.create({ model: "bot", input: "x" }))).toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    expect(await refusalOf(client.responses.create({ model: "gpt-4o", input: "x" }))).toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  test("an agent is part of the model's name, and a hand-off where it changes", async () => {
    const first = await run({ model: "bot@billing", input: "one" });
    expect((await sessions.get({ kind: "all" }, first.sessionId)).current_agent).toBe("billing");
    const on = { input: "two", previous_response_id: first.response.id };
    expect((await run({ model: "bot@default", ...on })).response.model).toBe("bot@default");
    expect((await sessions.get({ kind: "all" }, first.sessionId)).current_agent).toBe("default");
  });
});
