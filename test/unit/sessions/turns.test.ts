import { describe, expect, test } from "@jest/globals";
import { KartaError } from "../../../shared/errors.ts";
import { eventually } from "../../support/processes.ts";
import { EVERYWHERE, mayWrite, sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { USAGE, type ScriptedTurn } from "../../fixtures/scripted-harness.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const store = await storeBench();
const spawner = spawnerForTests();
const bench = () => sessionBench(store, spawner);

describe("a turn", () => {
  test("is stored as message, text and done, and its outcome holds what was said", async () => {
    const { create, ask, events, sessions } = bench();
    const id = await create();
    const outcome = await ask(id, "hello", { participant_name: "ada" });
    const heard = '<karta-message from="ada" type="human">\nhello\n</karta-message>';
    expect(outcome).toMatchObject({
      kind: "completed",
      message: { text: `You said: ${heard}` },
      usage: USAGE,
    });
    const stored = await events(id);
    expect(stored.map(({ seq, type }) => [seq, type])).toEqual([
      [1, "message"],
      [2, "text"],
      [3, "done"],
    ]);
    expect(stored[0]?.data).toMatchObject({ text: "hello", participant: { name: "ada", type: "human" } });
    await eventually(() => sessions.liveTurns.length === 0, "no turn is left");
    expect(await sessions.get(EVERYWHERE, id)).toMatchObject({ turn: null, last_seq: 3, usage: USAGE });
    expect(await store.store.turns.listLive()).toEqual([]);
  });

  test("has its thread stored before its first word is sent, and the next process resumes it", async () => {
    const { create, ask, harness, pool, runtime } = bench();
    const id = await create();
    let threadAtFirstWord: string | null | undefined;
    const script = harness.script;
    let looked: Promise<unknown> = Promise.resolve();
    harness.script = (turn) => {
      looked = runtime.sessions.get(id).then((row) => {
        threadAtFirstWord = row?.thread_id;
        script(turn);
      });
    };
    await ask(id, "one");
    await looked;
    expect(threadAtFirstWord).toBe("thread-1");
    await pool.evict(id);
    await ask(id, "two");
    expect(harness.starts.map(({ thread }) => thread)).toEqual([
      { kind: "new" },
      { kind: "resume", threadId: "thread-1" },
    ]);
  });

  test("that the harness cannot start fails with its code; the session goes on afterwards", async () => {
    const { create, ask, harness, terminals } = bench();
    const id = await create();
    harness.startError = new KartaError("harness_unavailable", "no binary here");
    expect(await ask(id, "hello")).toMatchObject({
      kind: "failed",
      code: "harness_unavailable",
      detail: "no binary here",
      hadOutput: false,
      retryable: true,
    });
    harness.startError = null;
    expect(await ask(id, "again")).toMatchObject({ kind: "completed" });
    expect(Object.values(await terminals(id))).toEqual([["error"], ["done"]]);
  });

  test("whose agent dies in the middle fails as harness_crashed; the next one gets a new process", async () => {
    const { create, send, ask, harness, terminals } = bench();
    const id = await create();
    const { script } = harness;
    harness.script = () => undefined;
    const turn = await send(id, "hello");
    const running = await harness.nextTurn();
    running.say("half a sen");
    process.kill(running.agent.process.pid ?? 0, "SIGKILL");
    expect(await turn.outcome).toMatchObject({
      kind: "failed",
      code: "harness_crashed",
      hadOutput: true,
      message: { text: "half a sen" },
    });
    harness.script = script;
    expect(await ask(id, "again")).toMatchObject({ kind: "completed" });
    expect(harness.starts).toHaveLength(2);
    expect(Object.values(await terminals(id))).toEqual([["error"], ["done"]]);
  });

  test("past its time is cancelled and fails as harness_timeout", async () => {
    const { create, ask, harness, project, terminals } = bench();
    project.turnTimeoutMs = 20;
    harness.script = (turn) => turn.say("thinking");
    const id = await create();
    expect(await ask(id, "hello")).toMatchObject({ kind: "failed", code: "harness_timeout", usage: USAGE });
    expect(Object.values(await terminals(id))).toEqual([["error"]]);
  });

  test("past its time whose agent does not listen loses its process, and the session goes on", async () => {
    const { create, ask, harness, project } = bench();
    const { script } = harness;
    project.turnTimeoutMs = 20;
    harness.heedsCancel = false;
    harness.script = () => undefined;
    const id = await create();
    expect(await ask(id, "hello")).toMatchObject({ kind: "failed", code: "harness_timeout" });
    expect(harness.agents[0]?.process.exit).not.toBeNull();
    harness.script = script;
    expect(await ask(id, "again")).toMatchObject({ kind: "completed" });
  });

  test("for another agent says so in the log, once, and the session remembers", async () => {
    const { create, ask, events, sessions, harness } = bench();
    const id = await create();
    await ask(id, "one");
    await ask(id, "two", { agent: "billing" });
    await ask(id, "three");
    const handOffs = (await events(id)).filter((event) => event.type === "agent_handoff");
    expect(handOffs.map((event) => event.data)).toEqual([{ from: "default", to: "billing" }]);
    expect((await sessions.get(EVERYWHERE, id)).current_agent).toBe("billing");
    expect(harness.starts.map(({ launch }) => launch.agent)).toEqual([null, "billing"]);
    expect(harness.starts[1]?.thread).toEqual({ kind: "resume", threadId: "thread-1" });
  });

  test("for an agent that is not the project's is refused, with those that are", async () => {
    const { create, send, events } = bench();
    const id = await create();
    await expect(send(id, "hello", { agent: "nobody" })).rejects.toMatchObject({
      code: "unknown_agent",
      message: expect.stringContaining("default, billing"),
      fields: { known: ["default", "billing"] },
      issues: [{ path: "agent" }],
    });
    expect(await events(id)).toEqual([]);
  });

  test("shows reasoning only to a sender who asked", async () => {
    const { create, ask, events, harness } = bench();
    const id = await create();
    harness.script = (turn) => turn.emit({ type: "reasoning", text: "hmm" }).say("yes").end();
    await ask(id, "quiet");
    await ask(id, "aloud", { thinking: true });
    expect((await events(id)).map(({ type }) => type).filter((type) => type === "reasoning")).toHaveLength(1);
  });

  test("has long tool results cut between characters", async () => {
    const { create, ask, events, harness } = bench();
    const id = await create();
    harness.script = (turn) =>
      turn
        .emit({ type: "tool_use", id: "t1", name: "Read", input: { file: "a" } })
        .emit({ type: "tool_result", id: "t1", isError: false, content: "é".repeat(20_000) })
        .end();
    await ask(id, "read");
    const result = (await events(id)).find((event) => event.type === "tool_result");
    expect(result?.data).toMatchObject({ truncated: true, content: "é".repeat(16_384) });
  });
});

describe("a store that fails", () => {
  test("when a message comes refuses it: nothing is accepted, the queue is as it was", async () => {
    const { create, send, ask, events, harness, sessions } = bench();
    const id = await create();
    const { script } = harness;
    harness.script = () => undefined;
    const first = await send(id, "first");
    const waits = await send(id, "waits");
    store.breakWrites("INSERT ON events", "NEW.data LIKE '%refuse me%'");
    await expect(send(id, "refuse me")).rejects.toMatchObject({ code: "storage_unavailable" });
    store.mendWrites();
    expect(sessions.liveTurns).toEqual([first, waits]);
    harness.script = script;
    (await harness.nextTurn()).end();
    expect((await waits.outcome).kind).toBe("completed");
    await ask(id, "after");
    expect(harness.said).toEqual(["first", "waits", "after"]);
    expect((await events(id)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("in the middle of a turn ends it: the agent is stopped, the turn has one stored end", async () => {
    const { create, send, harness, terminals, events } = bench();
    const id = await create();
    harness.script = () => undefined;
    const turn = await send(id, "hello");
    const running = await harness.nextTurn();
    store.breakWrites("INSERT ON events", "NEW.data LIKE '%cannot be stored%'");
    running.say("fine ").say("cannot be stored").say("never said");
    const outcome = await turn.outcome;
    store.mendWrites();
    expect(running.cancels).toBe(1);
    expect(outcome).toMatchObject({ kind: "failed", code: "storage_unavailable", retryable: true });
    expect(Object.values(await terminals(id))).toEqual([["error"]]);
    expect((await events(id)).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("for the last words of a turn does not let it end as completed", async () => {
    const { create, send, harness, terminals } = bench();
    const id = await create();
    harness.script = () => undefined;
    const turn = await send(id, "hello");
    const running = await harness.nextTurn();
    store.breakWrites("INSERT ON events", "NEW.type = 'text'");
    running.say("lost").end();
    expect(await turn.outcome).toMatchObject({ kind: "failed", code: "storage_unavailable" });
    store.mendWrites();
    expect(Object.values(await terminals(id))).toEqual([["error"]]);
  });

  test("for a turn's end tells whoever waits all the same; it is stored before the next message is", async () => {
    const { create, ask, events, harness, sessions } = bench();
    const id = await create();
    harness.script = (turn) => {
      store.breakWrites("INSERT ON events");
      turn.end();
    };
    expect(await ask(id, "hello")).toMatchObject({ kind: "completed" });
    store.mendWrites();
    harness.script = (turn) => turn.say("still here").end();
    expect(await ask(id, "again")).toMatchObject({ kind: "completed" });
    await eventually(() => sessions.liveTurns.length === 0, "no turn is left");
    expect((await events(id)).map(({ type }) => type)).toEqual([
      "message",
      "done",
      "message",
      "text",
      "done",
    ]);
  });

  test("for ends of turns has each of them later by itself, in order, with nobody sending; nothing runs before that", async () => {
    const { create, send, events, harness, runtime, sessions } = bench();
    const id = await create();
    harness.script = () => undefined;
    const sent = [await send(id, "runs"), await send(id, "waits"), await send(id, "waits too")];
    const running = await harness.nextTurn();
    store.breakWrites("INSERT ON events");
    await expect(sessions.requireStore()).resolves.toBeUndefined(); // nothing has failed yet
    running.say("lost");
    for (const turn of sent)
      expect(await turn.outcome).toMatchObject({ kind: "failed", code: "storage_unavailable" });
    expect(harness.said).toEqual(["runs"]);
    await expect(send(id, "refused")).rejects.toMatchObject({ code: "storage_unavailable" });
    expect(sessions.unfinishedFrom(id)).toBe(1); // what belongs to them is kept
    store.mendWrites();
    await eventually(() => sessions.unfinishedFrom(id) === null, "every end is stored");
    const stored = await events(id);
    expect(stored.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(stored.slice(3).map(({ turn_id, type }) => [turn_id, type])).toEqual(
      sent.map((turn) => [turn.id, "error"]),
    );
    expect(await runtime.turns.listLive()).toEqual([]);
    expect(sent.every(({ isEndStored }) => isEndStored)).toBe(true);
  });

  test("for the answer to an approval refuses it: the agent is not told, and it can be given again", async () => {
    const { create, send, harness, sessions, events } = bench();
    const id = await create();
    const decisions: string[] = [];
    const askOnce = async (running: ScriptedTurn): Promise<void> => {
      decisions.push((await running.request.decide(mayWrite())).kind);
      running.end();
    };
    harness.script = (running) => void askOnce(running);
    const turn = await send(id, "hello");
    const { request_id } = await turn.approvals.nextPause();
    const answer = () => sessions.resolveInput(EVERYWHERE, id, request_id, { decision: "approve_once" });
    store.breakWrites("INSERT ON events");
    await expect(answer()).rejects.toMatchObject({ code: "storage_unavailable" });
    expect([decisions, turn.state, turn.approvals.pending?.request_id]).toEqual([
      [],
      "awaiting_input",
      request_id,
    ]);
    store.mendWrites();
    await answer();
    await turn.outcome;
    expect(decisions).toEqual(["allow"]);
    expect((await events(id)).map(({ type }) => type)).toEqual([
      "message",
      "input_required",
      "input_resolved",
      "done",
    ]);
  });

  test("for an approval that a cancel withdraws has it resolved all the same, before the turn's end", async () => {
    const { create, send, harness, sessions, events } = bench();
    const id = await create();
    harness.script = (turn) => void turn.request.decide(mayWrite());
    const turn = await send(id, "hello");
    await turn.approvals.nextPause();
    store.breakWrites("INSERT ON events");
    await sessions.cancel(EVERYWHERE, id);
    expect(await turn.outcome).toMatchObject({ kind: "cancelled" });
    store.mendWrites();
    await eventually(() => sessions.unfinishedFrom(id) === null, "its end is stored");
    const [, asked, resolved, end] = await events(id);
    expect(resolved?.data).toMatchObject({
      request_id: asked?.type === "input_required" ? asked.data.request_id : "",
      decision: "deny",
      by: "cancelled",
    });
    expect(end).toMatchObject({ type: "done", data: { status: "cancelled" } });
  });
});
