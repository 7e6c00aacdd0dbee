import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { EventLog } from "../../../daemon/events/log.ts";
import { endBrokenTurns } from "../../../daemon/sessions/recovery.ts";
import { KartaError } from "../../../shared/errors.ts";
import { newId } from "../../../shared/ids.ts";
import { eventually } from "../../support/processes.ts";
import { EVERYWHERE, mayWrite, sessionBench } from "../../support/sessions.ts";
import { storeBench } from "../../support/store.ts";
import { silent, spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(30_000); // its properties run real processes

const store = await storeBench();
const spawner = spawnerForTests();
const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));

describe("drain", () => {
  test("lets the running turn finish and refuses those that wait, and every new one", async () => {
    const { create, send, harness, sessions, terminals } = sessionBench(store, spawner);
    harness.script = () => undefined;
    const id = await create();
    const [runs, ...waiting] = [await send(id, "runs"), await send(id, "waits"), await send(id, "waits too")];
    const running = await harness.nextTurn();
    const drained = sessions.drain(60_000);
    for (const turn of waiting)
      expect(await turn.outcome).toMatchObject({ kind: "failed", code: "shutting_down", retryable: true });
    await expect(send(id, "new")).rejects.toMatchObject({
      code: "shutting_down",
      status: 503,
      retryAfterSeconds: 5,
    });
    running.say("finished").end();
    await drained;
    expect(await runs.outcome).toMatchObject({ kind: "completed", message: { text: "finished" } });
    expect(harness.said).toEqual(["runs"]);
    expect(Object.values(await terminals(id)).sort()).toEqual([["done"], ["error"], ["error"]]);
    expect(sessions.liveTurns).toEqual([]);
  });

  test("starts no waiting turn, even when the running one ends at that moment", async () => {
    for (let hops = 0; hops < 30; hops += 1) {
      const { create, send, harness, sessions, terminals } = sessionBench(store, spawner);
      harness.script = () => undefined;
      const id = await create();
      const turns = [await send(id, "runs"), await send(id, "waits"), await send(id, "waits too")];
      const running = await harness.nextTurn();
      harness.script = (turn) => turn.end();
      running.end();
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      await sessions.drain(60_000);
      const outcomes = await Promise.all(turns.map(({ outcome }) => outcome));
      expect(outcomes.map(({ kind }) => kind)).toEqual(["completed", "failed", "failed"]);
      expect(Object.values(await terminals(id)).sort()).toEqual([["done"], ["error"], ["error"]]);
    }
  });

  test("cancels what still runs after the grace, an agent that does not listen too", async () => {
    const { create, send, harness, sessions } = sessionBench(store, spawner);
    harness.script = () => undefined;
    harness.heedsCancel = false;
    const turn = await send(await create(), "for ever");
    const { agent } = await harness.nextTurn();
    await sessions.drain(10);
    expect((await turn.outcome).kind).toBe("cancelled");
    expect(agent.process.exit).not.toBeNull();
  });

  test("refuses a send that was under way when it began", async () => {
    for (let hops = 0; hops < 40; hops += 4) {
      const { create, send, harness, sessions, terminals } = sessionBench(store, spawner);
      const id = await create();
      const sending = send(id, "just in time?").then(
        ({ outcome }) => outcome,
        (error: unknown) => error,
      );
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      await sessions.drain(60_000);
      const said = harness.said.length;
      const end = await sending;
      if (end instanceof KartaError) expect(end.code).toBe("shutting_down");
      expect(harness.said).toHaveLength(said); // nothing began after the drain
      expect(sessions.liveTurns).toEqual([]);
      for (const ends of Object.values(await terminals(id))) expect(ends).toHaveLength(1);
    }
  });
});

describe("recovery", () => {
  test("gives every turn that a crash left exactly one stored end, and runs none again", async () => {
    const { create, send, harness, sessions, events, terminals, runtime } = sessionBench(store, spawner);
    harness.script = () => undefined;
    const id = await create();
    const other = await create();
    const ids = [await send(id, "ran"), await send(id, "waited"), await send(other, "ran too")].map(
      (turn) => turn.id,
    );
    (await harness.nextTurn()).say("half");
    await harness.nextTurn();
    await runtime.log.settled();
    // The next kartad: nothing in memory, the same file.
    const log = new EventLog({ events: store.store.events, feed: store.feed, logger: silent, now: () => 42 });
    const recover = () =>
      endBrokenTurns({
        turns: store.store.turns,
        events: store.store.events,
        log,
        logger: silent,
        now: () => 42,
      });
    expect(await recover()).toBe(3);
    expect(await recover()).toBe(0);
    expect(Object.values(await terminals(id))).toEqual([["error"], ["error"]]);
    expect(Object.values(await terminals(other))).toEqual([["error"]]);
    const ends = [...(await events(id)), ...(await events(other))].filter(({ type }) => type === "error");
    expect(ends.map((event) => event.turn_id).sort()).toEqual([...ids].sort());
    for (const end of ends) expect(end.data).toMatchObject({ code: "daemon_restarted", retryable: true });
    const seqs = (await events(id)).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(harness.said).toHaveLength(2);
    await sessions.drain(0); // the dead kartad, which in this test is not quite dead
  });
});

describe("a session in memory", () => {
  test("is dropped when its last turn has ended, and found again by the next message", async () => {
    const { create, ask, runtime, events } = sessionBench(store, spawner);
    const id = await create();
    await ask(id, "one");
    await eventually(() => runtime.log.head(id) === 0, "its head was freed");
    await ask(id, "two");
    expect((await events(id)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("is not dropped while the end of its turn is being stored, though a send is refused meanwhile", async () => {
    const { create, send, harness, terminals } = sessionBench(store, spawner);
    const id = await create();
    for (let hops = 0; hops < 20; hops += 1) {
      harness.script = () => undefined;
      const turn = await send(id, "hello");
      (await harness.nextTurn()).end();
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      await expect(send(id, "x", { agent: "nobody" })).rejects.toMatchObject({ code: "unknown_agent" });
      expect((await turn.outcome).kind).toBe("completed");
    }
    const ends = Object.values(await terminals(id));
    expect(ends).toEqual(Array(20).fill(["done"]));
  });

  test("takes sends, refused sends, cancels and evictions at any moment: each turn ends once, seqs have no gap", async () => {
    const step = fc.record({
      does: fc.constantFrom(
        "send",
        "send",
        "send",
        "refused",
        "cancel",
        "withdraw",
        "patch",
        "evict",
        "wait",
      ),
      session: fc.nat(1),
      hops: fc.nat(6),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { create, send, harness, sessions, pool, terminals, events, runtime } = sessionBench(
          store,
          spawner,
        );
        harness.script = (turn) => {
          turn.say("…");
          setImmediate(() => turn.say("ok").end());
        };
        const ids = [await create(), await create()];
        const sent: Promise<unknown>[] = [];
        let accepted = 0;
        const turns: string[] = [];
        for (const { does, session, hops } of steps) {
          const id = ids[session] ?? "";
          const tolerate = (promise: Promise<unknown>) =>
            promise.catch((error: unknown) => {
              if (!(error instanceof KartaError)) throw error;
            });
          if (does === "send")
            sent.push(
              tolerate(
                send(id, newId("msg"), hops % 2 === 0 ? {} : { agent: "billing" }).then((turn) => {
                  accepted += 1;
                  turns.push(turn.id);
                  return turn.outcome;
                }),
              ),
            );
          else if (does === "refused") sent.push(tolerate(send(id, "x", { agent: "nobody" })));
          else if (does === "cancel") sent.push(tolerate(sessions.cancel(EVERYWHERE, id)));
          else if (does === "withdraw")
            sent.push(tolerate(sessions.cancel(EVERYWHERE, id, turns.at(-1) ?? newId("turn"))));
          else if (does === "patch") {
            const current_agent = sent.length % 2 === 0 ? "billing" : "default";
            sent.push(tolerate(sessions.patch(EVERYWHERE, id, { current_agent })));
          } else if (does === "evict") sent.push(pool.evict(id));
          else await turnOfTheLoop();
          for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
        }
        await Promise.all(sent);
        const ends = (await Promise.all(ids.map(terminals))).flatMap((one) => Object.values(one));
        expect(ends).toHaveLength(accepted);
        for (const one of ends) expect(one).toHaveLength(1);
        for (const id of ids) {
          const handOffs = (await events(id)).filter((event) => event.type === "agent_handoff");
          const agents = handOffs.flatMap(({ data }) => [data.from, data.to]);
          const { current_agent } = await sessions.get(EVERYWHERE, id);
          expect(["default", ...agents.filter((_, place) => place % 2 === 1)]).toEqual([
            ...agents.filter((_, place) => place % 2 === 0),
            current_agent,
          ]);
        }
        for (const id of ids) {
          const seqs = (await events(id)).map(({ seq }) => seq);
          expect(seqs).toEqual(seqs.map((_, index) => index + 1));
        }
        expect(sessions.liveTurns).toEqual([]);
        await eventually(() => ids.every((id) => runtime.log.head(id) === 0), "both were dropped");
        await pool.stop();
      }),
      { numRuns: 25 },
    );
  });
});

describe("a scope", () => {
  test("of another project finds nothing", async () => {
    const { create, sessions } = sessionBench(store, spawner);
    const id = await create();
    const elsewhere = { kind: "project", name: "other", endUser: null } as const;
    const notFound = { code: "not_found", status: 404 };
    await expect(sessions.get(elsewhere, id)).rejects.toMatchObject(notFound);
    await expect(sessions.send(elsewhere, id, { text: "x" })).rejects.toMatchObject(notFound);
    await expect(sessions.cancel(elsewhere, id)).rejects.toMatchObject(notFound);
    await expect(sessions.delete(elsewhere, id)).rejects.toMatchObject(notFound);
    await expect(sessions.create(elsewhere, { session_id: id })).rejects.toMatchObject(notFound);
    expect(
      (await sessions.create({ kind: "project", name: "bot", endUser: null }, { session_id: id })).id,
    ).toBe(id);
  });
});

test("a turn that ends while it asks has its request resolved before its end, though its agent withdraws nothing", async () => {
  const { create, send, harness, events, runtime } = sessionBench(store, spawner);
  const id = await create();
  const decisions: unknown[] = [];
  harness.script = (turn) =>
    void turn.request.decide(mayWrite()).then((decision) => decisions.push(decision));
  const turn = await send(id, "hello");
  await turn.approvals.nextPause();
  const running = await harness.nextTurn();
  await running.agent.stop(); // it dies, as one does that was killed
  expect(await turn.outcome).toMatchObject({ kind: "failed", code: "harness_crashed" });
  const told = (await events(id)).map(({ type }) => type);
  expect(told).toEqual(["message", "input_required", "input_resolved", "error"]);
  expect(decisions).toEqual([expect.objectContaining({ kind: "deny" })]);
  expect(await running.request.decide(mayWrite())).toMatchObject({ kind: "deny" }); // too late to ask
  expect(await events(id)).toHaveLength(told.length);
  expect(await runtime.turns.get(id, turn.id)).toMatchObject({ state: "failed" });
});
