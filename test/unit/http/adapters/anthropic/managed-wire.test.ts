/** Managed Agents through the official client, where agents do what the test says. */
import { beforeEach, describe, expect, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import type { PermissionDecision } from "../../../../../daemon/harness/harness.ts";
import { anthropicOf, saying } from "../../../../support/anthropic.ts";
import { httpBench } from "../../../../support/http.ts";
import { ManagedClient, idleReasonOf, textOfEvents } from "../../../../support/anthropic-sessions.ts";
import type { ScriptedTurn } from "../../../../fixtures/scripted-harness.ts";
import { spawnerForTests } from "../../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { harness } = bench;
const client = anthropicOf(bench.url);
const managed = new ManagedClient(client, "bot");

const answering = (turn: ScriptedTurn): void => turn.say(`You said: ${turn.text}`).end();
beforeEach(() => {
  harness.script = answering;
  harness.unavailable = null;
  harness.startError = null;
});

/** An agent that asks for two tools at once, and says what it was told of each. */
function asksForTwo(turn: ScriptedTurn): void {
  const ask = (id: string): Promise<PermissionDecision> =>
    turn.request.decide({
      toolUseId: id,
      kind: "tool_use",
      tool: "Write",
      input: { file: `/home/${id}` },
      message: "Use Write?",
      options: [],
      signal: new AbortController().signal,
    });
  for (const id of ["a", "b"]) turn.emit({ type: "tool_use", id, name: "Write", input: { file: id } });
  void Promise.all([ask("a"), ask("b")]).then((decisions) => {
    turn.say(decisions.map((one) => (one.kind === "deny" ? one.message : one.scope)).join(", ")).end();
  });
}

describe("a session", () => {
  test("that is made twice with one key is made once, and its first message sent once", async () => {
    const body = { agent: "bot", environment_id: "bot", initial_events: [managed.saying("hello")] };
    const options = { headers: { "Idempotency-Key": "first-visit" } };
    const one = await managed.sessions.create(body, options);
    const two = await managed.sessions.create(body, options);
    expect(two.id).toBe(one.id);
    expect((await managed.listed(one.id)).filter(({ type }) => type === "user.message")).toHaveLength(1);
    await expect(managed.sessions.create({ ...body, title: "another" }, options)).rejects.toThrow(
      Anthropic.ConflictError,
    );
  });

  test("whose first message can't be taken is not left behind", async () => {
    const count = async () => (await Array.fromAsync(managed.sessions.list())).length;
    const before = await count();
    harness.unavailable = "no agent today";
    const body = { agent: "bot", environment_id: "bot", initial_events: [managed.saying("hello")] };
    await expect(managed.sessions.create(body)).rejects.toThrow(Anthropic.ServiceUnavailableError);
    expect(await count()).toBe(before);

    const options = { headers: { "Idempotency-Key": "second-visit" } };
    await expect(managed.sessions.create(body, options)).rejects.toThrow(Anthropic.ServiceUnavailableError);
    harness.unavailable = null;
    const made = await managed.sessions.create(body, options);
    expect((await managed.listed(made.id)).filter(({ type }) => type === "user.message")).toHaveLength(1);
  });

  test("is running until its last message is answered, and idle once", async () => {
    harness.script = () => undefined;
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("one"), managed.saying("two"));
    (await harness.nextTurn()).say("1").end();
    const second = await harness.nextTurn();
    const running = await Array.fromAsync(managed.sessions.list({ statuses: ["running"] }));
    expect(running.map((one) => one.id)).toEqual([id]);
    second.say("2").end();
    const seen = await stream.untilIdle();
    expect(seen.map(({ type }) => type)).toEqual([
      "user.message",
      "session.status_running",
      "user.message",
      "agent.message",
      "agent.message",
      "session.status_idle",
    ]);
    stream.close();
  });
});

async function toolUsesIn(id: string): Promise<string[]> {
  const events = await managed.listed(id);
  return events.flatMap((event) => (event.type === "agent.tool_use" ? event.id : []));
}

describe("two approvals at once", () => {
  test("are each given for the very call, in any order; idle is told again for what is left", async () => {
    harness.script = asksForTwo;
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("go"));
    await stream.untilIdle();
    const [a = "", b = ""] = await toolUsesIn(id);
    expect(idleReasonOf(await stream.untilIdle())).toEqual({ type: "requires_action", event_ids: [a, b] });

    const confirm = (tool_use_id: string, result: "allow" | "deny", deny_message?: string) =>
      ({
        type: "user.tool_confirmation",
        tool_use_id,
        result,
        ...(deny_message === undefined ? {} : { deny_message }),
      }) as const;
    await managed.send(id, confirm(b, "deny", "not that one"));
    const left = await stream.untilIdle();
    expect(idleReasonOf(left)).toEqual({ type: "requires_action", event_ids: [a] });
    await expect(managed.send(id, confirm(b, "allow"))).rejects.toThrow(Anthropic.BadRequestError);
    await expect(managed.send(id, confirm(a, "allow", "for no reason"))).rejects.toThrow(
      Anthropic.BadRequestError,
    );
    await managed.send(id, confirm(a, "allow"));
    expect(textOfEvents(await stream.untilIdle())).toBe("once, not that one");
    stream.close();
  });

  test("may be answered by one request; of one that is wrong nothing is done", async () => {
    harness.script = asksForTwo;
    const id = await managed.create();
    const stream = await managed.watch(id);
    await managed.send(id, managed.saying("go"));
    await stream.untilIdle();
    await stream.untilIdle();
    const [a = "", b = ""] = await toolUsesIn(id);
    const allow = (tool_use_id: string) =>
      ({ type: "user.tool_confirmation", tool_use_id, result: "allow" }) as const;
    await expect(managed.send(id, allow(a), allow("sevt_nobody_1"))).rejects.toThrow(
      Anthropic.BadRequestError,
    );
    expect((await managed.listed(id)).filter(({ type }) => type === "user.tool_confirmation")).toEqual([]);
    const { data } = await managed.send(id, allow(a), allow(b));
    expect(data).toHaveLength(2);
    expect(textOfEvents(await stream.until("agent.message"))).toBe("once, once");
    stream.close();
  });
});

test("a turn that fails after it was accepted is not sent again by the client, which may try twice more", async () => {
  const id = await bench.create();
  harness.script = (turn) =>
    turn.end({
      kind: "failed",
      code: "model_error",
      message: "overloaded",
      retryable: true,
      usage: { input_tokens: 1, output_tokens: 0, total_tokens: 1 },
    });
  const patient = anthropicOf(bench.url, "bot", { maxRetries: 2 });
  await expect(
    patient.messages.create(saying("hello"), { headers: { "X-Karta-Session": id } }),
  ).rejects.toThrow(Anthropic.InternalServerError);
  expect(Object.values(await bench.terminals(id))).toEqual([["error"]]);
});
