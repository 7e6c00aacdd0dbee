import { describe, expect, test } from "@jest/globals";
import type { AppEvent, InboundMessage } from "../../../daemon/sessions/app-events.ts";
import type { Admission, AppToolCall, SessionApp } from "../../../daemon/sessions/runtime.ts";
import { EVERYWHERE, sessionBench, type SessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { eventually } from "../../support/processes.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const store = await storeBench();
const spawner = spawnerForTests();

/** An app whose answers the test gives. */
class AppInHand implements SessionApp {
  hasPolicies = true;
  readonly told: AppEvent[] = [];
  readonly asked: InboundMessage[] = [];
  readonly calls: AppToolCall[] = [];
  decide: (message: InboundMessage) => Admission | Promise<Admission> = ({ text }) => ({
    kind: "allow",
    text,
  });

  async admit(message: InboundMessage): Promise<Admission> {
    this.asked.push(message);
    return this.decide(message);
  }

  notify(event: AppEvent): void {
    this.told.push(event);
  }

  async callTool(call: AppToolCall) {
    this.calls.push(call);
    return { isError: false, content: "from the tool" };
  }
}

function bench(): SessionBench & { app: AppInHand } {
  const app = new AppInHand();
  const made = sessionBench(store, spawner);
  made.project.app = () => Promise.resolve(app);
  return { ...made, app };
}

describe("policies", () => {
  test("see who sends what to whom, and how much came before", async () => {
    const { sessions, ask, app } = bench();
    const { id } = await sessions.create(EVERYWHERE, { metadata: { visitor: "ada" } });
    await ask(id, "one", { participant_name: "ada" });
    await ask(id, "two", { agent: "billing" });
    expect(app.asked).toMatchObject([
      { text: "one", agent: "default", participant: { name: "ada", type: "human" }, message_count: 0 },
      { text: "two", agent: "billing", participant: null, message_count: 1 },
    ]);
    expect(app.asked[0]?.session).toMatchObject({ id, project: "bot", metadata: { visitor: "ada" } });
  });

  test("keep the order that messages came in, however long each takes", async () => {
    const { create, send, app, harness } = bench();
    const id = await create();
    const gate = Promise.withResolvers<undefined>();
    app.decide = async ({ text }) => {
      if (text === "slow") await gate.promise;
      return { kind: "allow", text };
    };
    const turns = [send(id, "slow"), send(id, "quick")];
    await eventually(() => app.asked.length > 0, "the first is looked at");
    gate.resolve(undefined);
    for (const turn of turns) await (await turn).outcome;
    expect(harness.said).toEqual(["slow", "quick"]);
  });

  test("of a message sent twice with one key are asked once, and it runs once", async () => {
    const { create, sessions, app, harness } = bench();
    const id = await create();
    const key = { key: "k", bodyHash: "h" };
    const sent = await Promise.all([1, 2].map(() => sessions.send(EVERYWHERE, id, { text: "hi" }, key)));
    for (const one of sent) if (one.kind === "live") await one.turn.outcome;
    expect(app.asked).toHaveLength(1);
    expect(harness.said).toEqual(["hi"]);
  });

  test("that are slow do not make room for more messages than may wait", async () => {
    const { create, send, app } = bench();
    const id = await create();
    const gate = Promise.withResolvers<Admission>();
    app.decide = () => gate.promise;
    const sends = Array.from({ length: 17 }, () => send(id, "hi"));
    await expect(send(id, "one too many")).rejects.toMatchObject({ code: "queue_full" });
    gate.resolve({ kind: "refuse", message: "no" });
    for (const one of sends) await expect(one).rejects.toMatchObject({ code: "policy_refused" });
    app.decide = ({ text }) => ({ kind: "allow", text });
    expect(await (await send(id, "room again")).outcome).toMatchObject({ kind: "completed" });
  });

  test("that say yes to a session that was deleted meanwhile let nothing in", async () => {
    const { create, send, sessions, events, app } = bench();
    const id = await create();
    const gate = Promise.withResolvers<Admission>();
    app.decide = () => gate.promise;
    const sent = send(id, "hi");
    await eventually(() => app.asked.length === 1, "it is looked at");
    await sessions.delete(EVERYWHERE, id);
    gate.resolve({ kind: "allow", text: "hi" });
    await expect(sent).rejects.toMatchObject({ code: "not_found" });
    expect(await events(id)).toEqual([]);
  });
});

describe("hooks", () => {
  test("are told of a session's life in its order", async () => {
    const { create, ask, app } = bench();
    const id = await create();
    await ask(id, "over to you", { agent: "billing" });
    await eventually(() => app.told.length === 4, "all is told");
    expect(app.told).toMatchObject([
      { type: "session.created", session: { id, agent: "default" } },
      { type: "message.received", agent: "billing", message: { text: "over to you" } },
      { type: "agent.handoff", from: "default", to: "billing", session: { agent: "billing" } },
      {
        type: "message.completed",
        status: "completed",
        message: { text: "You said: over to you" },
        error: null,
      },
    ]);
  });

  test("are told of a hand-over between two turns", async () => {
    const { create, sessions, app } = bench();
    const id = await create();
    await sessions.patch(EVERYWHERE, id, { current_agent: "billing", metadata: { vip: true } });
    await eventually(() => app.told.length === 2, "it is told");
    expect(app.told[1]).toMatchObject({
      type: "agent.handoff",
      from: "default",
      to: "billing",
      turn_id: null,
      session: { agent: "billing", metadata: { vip: true } },
    });
  });

  test("are told how a turn failed", async () => {
    const { create, send, harness, app } = bench();
    const id = await create();
    harness.script = (turn) => void turn.agent.stop();
    await (
      await send(id, "hi")
    ).outcome;
    await eventually(() => app.told.some(({ type }) => type === "message.completed"), "its end is told");
    expect(app.told.at(-1)).toMatchObject({ status: "failed", error: { code: "harness_crashed" } });
  });
});

test("a tool's call says whose turn it is, and ends with it", async () => {
  const { create, send, harness, sessions, app } = bench();
  harness.script = () => undefined;
  const id = await create();
  const turn = await send(id, "hi");
  const running = await harness.nextTurn();
  const call = { name: "look_up", input: { id: 1 }, signal: new AbortController().signal };
  expect(await running.request.callTool(call)).toEqual({ isError: false, content: "from the tool" });
  expect(app.calls[0]).toMatchObject({ name: "look_up", turnId: turn.id, session: { id } });
  await sessions.cancel(EVERYWHERE, id);
  expect(app.calls[0]?.signal.aborted).toBe(true);
  await turn.outcome;
});
