/** Which session a response goes on in, and what its agent is told: with OpenAI's client, on scripted agents. */
import { once } from "node:events";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import OpenAI from "openai";
import { toResponseInputItems } from "openai/lib/responses/ResponseInputItems";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import { refusalOf } from "../../../../support/openai.ts";
import { eventuallyIs } from "../../../../support/processes.ts";
import { responsesBench, type Ran } from "../../../../support/responses-bench.ts";

jest.setTimeout(20_000);

const bench = await responsesBench();
const { harness, sessions, client, run, go } = bench;
afterEach(() => bench.byItself());

describe("previous_response_id", () => {
  test("of the session's newest response goes on in it; nothing is told twice", async () => {
    const first = await go("one");
    const second = await go("two", first);
    const third = await go("three", second);
    expect([second.sessionId, third.sessionId]).toEqual([first.sessionId, first.sessionId]);
    expect([second.heard, third.heard]).toEqual(["two", "three"]);
    expect(third.response.previous_response_id).toBe(second.response.id);
  });

  test("of an older one begins anew, told what was said up to there and no further", async () => {
    const first = await go("one");
    const second = await go("two", first);
    const fork = await go("other", first);
    expect(fork.sessionId).not.toBe(first.sessionId);
    expect(fork.heard).toMatch(/by="user">\none\n[^]*by="assistant">\nYou said: one\n[^]*other$/);
    expect(fork.heard).not.toContain("two");
    const later = await go("later", fork);
    expect([later.sessionId, later.heard]).toEqual([fork.sessionId, "later"]);
    const again = await go("again", second); // its own session is at rest where it was
    expect([again.sessionId, again.heard]).toEqual([first.sessionId, "again"]);
    const forkOfFork = await go("last", fork);
    expect(forkOfFork.heard).toMatch(/\none\n[^]*\nother\n[^]*last$/);
  });

  test("of two at once, one goes on and the other begins anew, however long the app thinks about them", async () => {
    const first = await go("one");
    const { app } = bench.project;
    const thought = Promise.withResolvers<undefined>();
    const asked = Promise.withResolvers<undefined>();
    bench.project.app = () =>
      Promise.resolve({
        hasPolicies: true,
        admit: async ({ text }) => {
          asked.resolve(undefined);
          await thought.promise;
          return { kind: "allow", text };
        },
        notify: () => undefined,
        callTool: () => Promise.resolve({ isError: true, content: "" }),
      });
    const left = go("left", first);
    await asked.promise;
    const arrived = once(bench.server, "request");
    const right = go("right", first);
    await arrived;
    await client.responses.retrieve(first.response.id); // by now it has looked where it belongs, or waits
    thought.resolve(undefined);
    const both = await Promise.all([left, right]);
    bench.project.app = app;
    expect(both.filter(({ sessionId }) => sessionId === first.sessionId)).toHaveLength(1);
    expect(harness.said.slice(-2).filter((heard) => heard.includes("\none\n"))).toHaveLength(1);
  });

  test("of one that its agent never heard begins anew, and is told it", async () => {
    const first = await go("one");
    bench.byHand();
    const background = { background: true, instructions: "Be long." };
    const second = await run({ input: "two", ...background, previous_response_id: first.response.id });
    const turn = await harness.nextTurn();
    const third = await run({ input: "three", ...background, previous_response_id: second.response.id });
    expect(third.sessionId).toBe(first.sessionId);
    await client.responses.cancel(third.response.id);
    turn.say("Two it is.").end();
    await eventuallyIs(async () => (await client.responses.retrieve(second.response.id)).status, "completed");
    bench.byItself();
    const fourth = await go("four", third);
    expect(fourth.sessionId).not.toBe(first.sessionId);
    expect(fourth.heard).toMatch(/\none\n[^]*\ntwo\n[^]*\nTwo it is\.\n[^]*\nthree\n[^]*four$/);
  });

  test("after a message by the session API begins anew: the thread is past it", async () => {
    const first = await go("one");
    await bench.ask(first.sessionId, "by another client");
    expect((await go("two", first)).sessionId).not.toBe(first.sessionId);
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
      input: [user("one and a half"), ...said(first), user("two"), ...said(edited), user("three")],
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
