/** What is kept of responses and conversations, who may reach it, and what frees it. */
import { describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import { openAi, refusalOf } from "../../../../support/openai.ts";
import { responsesBench } from "../../../../support/responses-bench.ts";

jest.setTimeout(20_000);

const bench = await responsesBench();
const { harness, sessions, url, store, client, run, go } = bench;

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
      () => client.conversations.retrieve(made.id),
      () => client.responses.create({ model: "bot", input: "three", conversation: made.id }),
      () => client.responses.retrieve(first.response.id), // freed with its session
    ])
      expect(await refusalOf(gone())).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("may be any session, by its own id too or by the header; a fork of it hears all of it", async () => {
    const id = await bench.create();
    const first = await run({ input: "one", conversation: id });
    const second = await run({ input: "two" }, { "X-Karta-Session": id });
    expect([first.sessionId, second.sessionId]).toEqual([id, id]);
    expect(first.response.conversation).toEqual({ id: id.replace("sess_", "conv_") });
    await run({ input: "three", conversation: id });
    const fork = await go("other", second);
    expect(fork.sessionId).not.toBe(id);
    expect(fork.heard).toMatch(/\none\n[^]*\ntwo\n[^]*other$/);
  });

  test("cannot be given with previous_response_id", async () => {
    const first = await go("one");
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

  test("is read with whatever a client asks to be included, which there is none of", async () => {
    const { response } = await run({ input: "one" });
    const query = { include: ["reasoning.encrypted_content" as const], include_obfuscation: false };
    expect(await client.responses.retrieve(response.id, query)).toEqual(response);
  });

  test("store: false leaves the response before as it was", async () => {
    const first = await go("one");
    const aside = await run({ input: "aside", store: false, previous_response_id: first.response.id });
    expect(aside.sessionId).not.toBe(first.sessionId);
    expect(aside.heard).toMatch(/\none\n[^]*aside$/);
    expect((await go("two", first)).sessionId).toBe(first.sessionId);
  });

  test("a deleted response is gone; the last one takes its session along", async () => {
    const first = await go("one");
    const second = await go("two", first);
    await client.responses.delete(first.response.id);
    expect(await refusalOf(client.responses.retrieve(first.response.id))).toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    expect((await go("three", second)).sessionId).toBe(first.sessionId);
    const fork = await go("other", second);
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
      expect(await refusalOf(go("one"))).toBeInstanceOf(OpenAI.InternalServerError);
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
    expect(harness.turns.at(-1)?.request.images).toEqual([{ mediaType: "image/png", base64: "AAAA" }]);
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
    const gone = await refusalOf(client.responses.inputItems.list(response.id, { after: "item_gone" }));
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
    expect(gone).toMatchObject({ param: "after" });
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

  test("shows nothing of another project", async () => {
    const { response, sessionId } = await run({ input: "one" });
    store.outside.prepare("update sessions set project = 'shop' where id = ?").run(sessionId);
    const inProject = openAi(url, "/v1/projects/bot").responses;
    const { id } = response;
    for (const call of [
      () => inProject.retrieve(id),
      () => inProject.delete(id),
      () => inProject.inputItems.list(id),
      () => inProject.create({ input: "two", conversation: sessionId }),
    ])
      expect(await refusalOf(call())).toBeInstanceOf(OpenAI.NotFoundError);
    expect(await refusalOf(inProject.create({ input: "two", previous_response_id: id }))).toMatchObject({
      code: "previous_response_not_found",
    });
    expect((await client.responses.retrieve(id)).id).toBe(id);
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
