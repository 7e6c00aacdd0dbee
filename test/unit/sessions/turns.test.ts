import { describe, expect, test } from "@jest/globals";
import { KartaError } from "../../../shared/errors.ts";
import { eventually } from "../../support/processes.ts";
import { EVERYWHERE, sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { USAGE } from "../../fixtures/scripted-harness.ts";
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
