/** Sessions on a store that stops to take what is written, and takes it again. */
import { describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/processes.ts";
import { EVERYWHERE, mayWrite, sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import type { ScriptedTurn } from "../../fixtures/scripted-harness.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const store = await storeBench();
const spawner = spawnerForTests();
const bench = () => sessionBench(store, spawner);

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
