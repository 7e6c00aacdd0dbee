/** How a lane comes by its spares again: after one was taken, died, was in the way, or did not start. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { CheckoutRequest } from "../../../daemon/pool/lease.ts";
import { Pool } from "../../../daemon/pool/pool.ts";
import { KartaError } from "../../../shared/errors.ts";
import { ScriptedHarness } from "../../fixtures/scripted-harness.ts";
import { eventually } from "../../support/processes.ts";
import { launchSpec } from "../../support/sessions.ts";
import { silent, spawnerForTests } from "../apps/temp-project.ts";

const spawner = spawnerForTests();
let harness: ScriptedHarness;
let pool: Pool;

beforeEach(() => {
  harness = new ScriptedHarness();
  pool = new Pool({ spawner, logger: silent, now: () => Date.now(), maxProcesses: 2 });
});
afterEach(() => pool.stop());

const lane = () => ({ harness, launch: launchSpec(), spares: 1, maxOfProject: 100 });
const request = (sessionId: string, more: Partial<CheckoutRequest> = {}): CheckoutRequest => ({
  ...lane(),
  sessionId,
  thread: { kind: "new" },
  prepare: () => Promise.resolve(),
  idleTimeoutMs: 3_600_000,
  signal: new AbortController().signal,
  ...more,
});
const states = () => pool.processes.map(({ state }) => state).sort();
const becomes = (wanted: string) => eventually(() => states().join() === wanted, `the pool holds ${wanted}`);

describe("a spare that still starts", () => {
  test("is given to a new session, which waits for it rather than start another", async () => {
    const gate = Promise.withResolvers<undefined>();
    harness.startGate = gate.promise;
    pool.prepare(lane());
    await eventually(() => harness.starts.length === 1, "the spare starts");
    const checkout = pool.checkout(request("a"));
    harness.startGate = null;
    gate.resolve(undefined);
    const lease = await checkout;
    expect(lease.agent).toBe(harness.agents[0]);
    expect(pool.counters).toMatchObject({ warmStarts: 1, coldStarts: 0 });
    lease.release(true);
  });

  test("and does not come up: the session starts its own", async () => {
    const gate = Promise.withResolvers<undefined>();
    harness.startGate = gate.promise;
    pool.prepare(lane());
    await eventually(() => harness.starts.length === 1, "the spare starts");
    const checkout = pool.checkout(request("a"));
    harness.startGate = null;
    gate.reject(new KartaError("harness_unavailable", "broken"));
    const lease = await checkout;
    expect(harness.starts.length).toBeGreaterThan(1);
    expect(pool.counters).toMatchObject({ warmStarts: 0, coldStarts: 1 });
    lease.release(true);
  });

  test("goes with the turn that it was taken for, when that is cancelled", async () => {
    harness.startGate = new Promise(() => undefined);
    pool.prepare(lane());
    await eventually(() => harness.starts.length === 1, "the spare starts");
    const cancel = new AbortController();
    const checkout = pool.checkout(request("a", { signal: cancel.signal }));
    harness.startGate = null;
    cancel.abort();
    await expect(checkout).rejects.toMatchObject({ code: "shutting_down" });
    await becomes("ready"); // the lane has filled up again
    expect(pool.processes[0]?.sessionId).toBeNull();
  });
});

describe("a lane fills up again", () => {
  test("when a spare has died, and it counts as a failure", async () => {
    pool.prepare(lane());
    await becomes("ready");
    await harness.agents[0]?.process.stop(0);
    await eventually(
      () => harness.agents.length === 2 && states().join() === "ready",
      "there is a new spare",
    );
    expect(pool.lanes[0]?.failures).toBe(1);
    expect(pool.counters.crashes).toBe(1);
  });

  test("when sessions' processes, which were more urgent, have gone", async () => {
    pool.prepare(lane());
    await becomes("ready");
    const resumed = { thread: { kind: "resume", threadId: "t" }, idleTimeoutMs: 1 } as const;
    const leases = [await pool.checkout(request("a", resumed)), await pool.checkout(request("b", resumed))];
    expect(states()).toEqual(["busy", "busy"]);
    for (const lease of leases) lease.release(true);
    await becomes("ready");
    expect(pool.counters.evictions).toBe(2);
  });

  test("when its back-off is over, with nobody asking", async () => {
    harness.startError = new KartaError("harness_unavailable", "broken");
    pool.prepare(lane());
    await eventually(() => harness.starts.length === 2, "it was tried twice");
    expect(pool.lanes[0]?.blockedMs(Date.now())).toBeGreaterThan(0);
    harness.startError = null;
    await becomes("ready");
    expect(harness.starts).toHaveLength(3);
  });

  test("never after the pool has stopped", async () => {
    await pool.stop();
    pool.prepare(lane());
    expect(pool.processes).toEqual([]);
    expect(harness.starts).toEqual([]);
  });
});

test("a turn waits out a short back-off instead of failing", async () => {
  harness.startError = new KartaError("harness_unavailable", "broken");
  const none = { spares: 0 };
  for (let n = 0; n < 2; n += 1) await expect(pool.checkout(request("a", none))).rejects.toThrow("broken");
  harness.startError = null;
  expect(pool.lanes[0]?.blockedMs(Date.now())).toBeGreaterThan(0);
  (await pool.checkout(request("a", none))).release(true);
  expect(harness.starts).toHaveLength(3);
});
