import { describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/processes.ts";
import { EVERYWHERE, sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { newId } from "../../../shared/ids.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const store = await storeBench();
const spawner = spawnerForTests();

/** A session whose turns wait for the test. */
async function held() {
  const bench = sessionBench(store, spawner);
  const { script } = bench.harness;
  bench.harness.script = () => undefined;
  return { ...bench, id: await bench.create(), letGo: () => (bench.harness.script = script) };
}

describe("the queue of a session", () => {
  test("runs turns one after the other, in the order they were sent", async () => {
    const { id, send, harness, sessions, letGo, terminals } = await held();
    const turns = await Promise.all(Array.from({ length: 10 }, (_, index) => send(id, `${index}`)));
    const first = await harness.nextTurn();
    expect(harness.said).toEqual(["0"]);
    expect(turns.map(({ state }) => state)).toEqual(["running", ...Array<string>(9).fill("queued")]);
    expect((await sessions.get(EVERYWHERE, id)).turn).toMatchObject({ id: turns[0]?.id, state: "running" });
    letGo();
    first.end();
    await Promise.all(turns.map(({ outcome }) => outcome));
    expect(harness.said).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect(harness.starts).toHaveLength(1);
    expect(Object.values(await terminals(id))).toEqual(Array(10).fill(["done"]));
  });

  test("has one turn for a message that comes twice at once with its key", async () => {
    const { id, sessions, harness, letGo } = await held();
    letGo();
    const idempotency = { key: "once", bodyHash: "same" };
    const sendOnce = () => sessions.send(EVERYWHERE, id, { text: "hello" }, idempotency);
    const turns = (await Promise.all([sendOnce(), sendOnce(), sendOnce()])).map((accepted) =>
      accepted.kind === "live" ? accepted.turn : null,
    );
    await turns[0]?.outcome;
    expect(new Set(turns).size).toBe(1);
    expect(harness.said).toEqual(["hello"]);
  });

  test("takes 16 that wait and refuses the 17th, which leaves no trace", async () => {
    const { id, send, harness, letGo, events } = await held();
    const turns = [await send(id, "runs")];
    const running = await harness.nextTurn();
    for (let waiting = 1; waiting <= 16; waiting += 1) turns.push(await send(id, `waits ${waiting}`));
    await expect(send(id, "too many")).rejects.toMatchObject({
      code: "queue_full",
      status: 429,
      retryAfterSeconds: 5,
    });
    expect((await events(id)).filter(({ type }) => type === "message")).toHaveLength(17);
    letGo();
    running.end();
    await Promise.all(turns.map(({ outcome }) => outcome));
    expect(harness.said).toHaveLength(17);
  });

  test("refuses as many of those sent all at once", async () => {
    const { id, send, harness, letGo } = await held();
    const sent = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => send(id, `${index}`)));
    expect(sent.map(({ status }) => status)).toEqual([
      ...Array<string>(17).fill("fulfilled"),
      ...Array<string>(13).fill("rejected"),
    ]);
    letGo();
    (await harness.nextTurn()).end();
    await eventually(() => harness.said.length === 17, "all have run");
  });

  test("of one session does not hold up another's", async () => {
    const { id, send, ask, create, harness, letGo } = await held();
    const stuck = await send(id, "stuck");
    const running = await harness.nextTurn();
    letGo();
    expect((await ask(await create(), "quick")).kind).toBe("completed");
    expect(stuck.state).toBe("running");
    running.end();
    await stuck.outcome;
  });
});

describe("cancel", () => {
  test("of a session with nothing to cancel says so", async () => {
    const { id, ask, sessions, letGo } = await held();
    await expect(sessions.cancel(EVERYWHERE, id)).rejects.toMatchObject({
      code: "no_turn_running",
      status: 409,
    });
    letGo();
    await ask(id, "hello");
    await expect(sessions.cancel(EVERYWHERE, id)).rejects.toMatchObject({ code: "no_turn_running" });
  });

  test("in the middle of a turn ends it as cancelled, with what was said; the next one runs", async () => {
    const { id, send, harness, sessions, letGo, terminals } = await held();
    const turn = await send(id, "hello");
    const next = await send(id, "next");
    const running = await harness.nextTurn();
    running.say("half a sen");
    letGo();
    expect(await sessions.cancel(EVERYWHERE, id)).toBe(turn.id);
    expect(await turn.outcome).toMatchObject({ kind: "cancelled", message: { text: "half a sen" } });
    expect((await next.outcome).kind).toBe("completed");
    expect(Object.values(await terminals(id))).toEqual([["done"], ["done"]]);
  });

  test("twice ends the turn once", async () => {
    const { id, send, harness, sessions, terminals } = await held();
    harness.heedsCancel = false;
    const turn = await send(id, "hello");
    const running = await harness.nextTurn();
    await Promise.all([sessions.cancel(EVERYWHERE, id), sessions.cancel(EVERYWHERE, id)]);
    expect(running.cancels).toBe(1);
    running.end({ kind: "cancelled", usage: { input_tokens: 1, output_tokens: 0, total_tokens: 1 } });
    expect(await turn.outcome).toMatchObject({ kind: "cancelled", usage: { input_tokens: 1 } });
    expect(Object.values(await terminals(id))).toEqual([["done"]]);
  });

  test("of an agent that does not listen ends its process, and the turn as cancelled", async () => {
    const { id, send, harness, sessions } = await held();
    harness.heedsCancel = false;
    const turn = await send(id, "hello");
    const { agent } = await harness.nextTurn();
    await sessions.cancel(EVERYWHERE, id);
    expect(await turn.outcome).toMatchObject({ kind: "cancelled" });
    expect(agent.process.exit).not.toBeNull();
  });

  test("that comes too late leaves a completed turn completed", async () => {
    const { id, send, harness, sessions } = await held();
    harness.heedsCancel = false;
    const turn = await send(id, "hello");
    const running = await harness.nextTurn();
    await sessions.cancel(EVERYWHERE, id);
    running.say("done already").end();
    expect(await turn.outcome).toMatchObject({ kind: "completed", message: { text: "done already" } });
  });

  test("while the process starts gives the start up; nothing was sent, and nothing of it is left", async () => {
    const { id, send, ask, harness, sessions, pool, letGo, terminals } = await held();
    harness.startGate = new Promise(() => undefined); // for ever
    const started = harness.nextStart();
    const turn = await send(id, "hello");
    await started;
    expect(turn.state).toBe("queued");
    await sessions.cancel(EVERYWHERE, id);
    expect(await turn.outcome).toMatchObject({ kind: "cancelled" });
    expect(harness.said).toEqual([]);
    expect(pool.processes).toEqual([]);
    harness.startGate = null;
    letGo();
    expect((await ask(id, "again")).kind).toBe("completed");
    expect(Object.values(await terminals(id))).toEqual([["done"], ["done"]]);
  });

  test("of a turn that waits ends it at once, with a stored end, and no other", async () => {
    const { id, send, harness, sessions, letGo, terminals } = await held();
    const turns = [await send(id, "first"), await send(id, "second"), await send(id, "third")];
    const running = await harness.nextTurn();
    const [first, second, third] = turns;
    if (!first || !second || !third) throw new Error("three were sent");
    expect(await sessions.cancel(EVERYWHERE, id, second.id)).toBe(second.id);
    expect(await second.outcome).toMatchObject({ kind: "cancelled", message: { text: "" } });
    expect(second.isEndStored).toBe(true);
    expect(first.state).toBe("running");
    letGo();
    running.end();
    expect((await third.outcome).kind).toBe("completed");
    expect(harness.said).toEqual(["first", "third"]);
    expect(Object.values(await terminals(id))).toEqual([["done"], ["done"], ["done"]]);
    await expect(sessions.cancel(EVERYWHERE, id, second.id)).rejects.toMatchObject({
      code: "no_turn_running",
      status: 409,
    });
    await expect(sessions.cancel(EVERYWHERE, id, newId("turn"))).rejects.toMatchObject({ code: "not_found" });
  });

  test("ends the turn in hand alone: those that wait run afterwards", async () => {
    const { id, send, harness, sessions, letGo, terminals } = await held();
    const turns = [await send(id, "first"), await send(id, "second"), await send(id, "third")];
    await harness.nextTurn();
    letGo();
    await sessions.cancel(EVERYWHERE, id);
    const outcomes = await Promise.all(turns.map(({ outcome }) => outcome));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["cancelled", "completed", "completed"]);
    expect(harness.said).toEqual(["first", "second", "third"]);
    expect(Object.values(await terminals(id))).toEqual([["done"], ["done"], ["done"]]);
  });
});

describe("delete", () => {
  test("ends the running turn and those that wait, the process and the workspace; later sends are 404", async () => {
    const { id, send, harness, sessions, pool, discarded, terminals } = await held();
    const turns = [await send(id, "runs"), await send(id, "waits"), await send(id, "waits too")];
    const { agent } = await harness.nextTurn();
    await sessions.delete(EVERYWHERE, id);
    expect((await Promise.all(turns.map(({ outcome }) => outcome))).map(({ kind }) => kind)).toEqual([
      "cancelled",
      "cancelled",
      "cancelled",
    ]);
    expect(agent.process.exit).not.toBeNull();
    expect(pool.processes).toEqual([]);
    expect(discarded).toEqual([id]);
    expect(harness.said).toEqual(["runs"]);
    expect(Object.values(await terminals(id))).toEqual([["done"], ["done"], ["done"]]);
    expect((await sessions.get(EVERYWHERE, id)).status).toBe("archived");
    await expect(send(id, "hello?")).rejects.toMatchObject({ code: "not_found", status: 404 });
    await sessions.delete(EVERYWHERE, id); // once more is harmless
  });

  test("at the very moment of a send leaves no turn behind, whichever came first", async () => {
    const { sessions, send, create, harness, letGo, terminals, runtime } = await held();
    letGo();
    for (let round = 0; round < 20; round += 1) {
      const id = await create();
      for (let hop = 0; hop < round; hop += 1) await Promise.resolve();
      const sending = send(id, "race").then(
        ({ outcome }) => outcome,
        (error: unknown) => error,
      );
      for (let hop = 0; hop < round; hop += 1) await Promise.resolve();
      await sessions.delete(EVERYWHERE, id);
      await sending;
      for (const ends of Object.values(await terminals(id))) expect(ends).toEqual(["done"]);
      await expect(send(id, "late")).rejects.toMatchObject({ code: "not_found" });
    }
    expect(sessions.liveTurns).toEqual([]);
    expect(await runtime.turns.listLive()).toEqual([]);
    expect(harness.agents.filter(({ process }) => process.exit === null)).toEqual([]);
  });
});
