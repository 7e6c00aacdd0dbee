/** Places in a full pool: each is given once, to somebody who can use it. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { LaunchSpec } from "../../../daemon/harness/harness.ts";
import type { CheckoutRequest } from "../../../daemon/pool/lease.ts";
import { Pool, type PoolOptions } from "../../../daemon/pool/pool.ts";
import { ScriptedHarness } from "../../fixtures/scripted-harness.ts";
import { eventually } from "../../support/processes.ts";
import { launchSpec } from "../../support/sessions.ts";
import { silent, spawnerForTests } from "../apps/temp-project.ts";

/** The longest that a timer of Node's takes. */
const NEVER_MS = 2 ** 31 - 1;

const spawner = spawnerForTests();
let pool: Pool;
afterEach(() => pool.stop());

function setUp(options: Partial<PoolOptions> = {}) {
  const harness = new ScriptedHarness();
  pool = new Pool({
    spawner,
    logger: silent,
    now: () => Date.now(),
    maxProcesses: 2,
    patienceMs: NEVER_MS, // nobody here waits for a clock, however busy the machine is
    ...options,
  });
  const checkout = (
    sessionId: string,
    more: Partial<Omit<CheckoutRequest, "launch">> & { launch?: Partial<LaunchSpec> } = {},
  ) => {
    const { launch, ...rest } = more;
    return pool.checkout({
      harness,
      sessionId,
      spares: 0,
      maxOfProject: 100,
      thread: { kind: "new" },
      prepare: () => Promise.resolve(),
      idleTimeoutMs: 3_600_000,
      signal: new AbortController().signal,
      ...rest,
      launch: launchSpec(launch),
    });
  };
  return { harness, checkout };
}

describe("a place in a full pool", () => {
  test("is given once, however many ask in the same moment", async () => {
    const { harness, checkout } = setUp({ maxProcesses: 1 });
    let most = 0;
    harness.script = () => undefined;
    const living = () => harness.agents.filter(({ process }) => process.exit === null).length;
    const turns = Array.from({ length: 12 }, async (_, index) => {
      const lease = await checkout(`s${index}`);
      most = Math.max(most, living());
      lease.release(true);
    });
    await Promise.all(turns);
    expect(most).toBe(1);
    expect(harness.starts).toHaveLength(12);
    expect(pool.counters).toMatchObject({ coldStarts: 12, evictions: 11 });
  });

  test("that a turn was just given is not taken before it has it", async () => {
    const { harness, checkout } = setUp({ maxProcesses: 1 });
    const gate = Promise.withResolvers<undefined>();
    harness.startGate = gate.promise.then(() => undefined);
    const started = harness.nextStart();
    const first = checkout("first");
    await started;
    gate.resolve(undefined);
    const cancel = new AbortController();
    const others: Promise<unknown>[] = [];
    for (let step = 0; step < 30; step += 1) {
      await Promise.resolve(); // one asks between any two steps that the first takes
      const other = checkout(`other${step}`, { signal: cancel.signal });
      others.push(other.then((lease) => lease.release(true)));
    }
    const lease = await first;
    expect(lease.agent.process.exit).toBeNull();
    expect(harness.starts).toHaveLength(1);
    cancel.abort(); // thirty starts, one after the other, would show nothing more
    lease.release(true);
    await Promise.allSettled(others);
  });

  test("goes to a project that can use it, past one that is at its own limit", async () => {
    const { checkout } = setUp();
    const busyOfA = await checkout("a1", { launch: { project: "a" }, maxOfProject: 1 });
    const busyOfB = await checkout("b1", { launch: { project: "b" } });
    const a2 = checkout("a2", { launch: { project: "a" }, maxOfProject: 1 });
    const b2 = checkout("b2", { launch: { project: "b" } });
    await eventually(() => pool.waiting === 2, "both wait");
    busyOfB.release(true);
    (await b2).release(true); // a2, which came first, has to wait for its own project
    expect(pool.waiting).toBe(1);
    busyOfA.release(true);
    (await a2).release(true);
  });

  test("that a cancelled turn was just given goes to the next in the line", async () => {
    const { checkout } = setUp({ maxProcesses: 1 });
    const busy = await checkout("busy");
    const cancel = new AbortController();
    const cancelled = checkout("cancelled", { signal: cancel.signal });
    const next = checkout("next");
    await eventually(() => pool.waiting === 2, "both wait");
    busy.release(true);
    cancel.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "shutting_down" });
    (await next).release(true);
  });

  test("is no longer waited for when the pool stops", async () => {
    const { checkout } = setUp({ maxProcesses: 1 });
    await checkout("busy");
    const waiting = [checkout("a"), checkout("b")].map((lease) =>
      expect(lease).rejects.toMatchObject({ code: "shutting_down" }),
    );
    await eventually(() => pool.waiting === 2, "both wait");
    await pool.stop();
    await Promise.all(waiting);
  });
});

describe("a process whose group holds too much", () => {
  test("works to the end of its turn and goes; the next turn gets another", async () => {
    const held = new Map<number, number>();
    const { checkout } = setUp({ memoryOf: (group) => held.get(group) ?? null, maxProcessBytes: 1000 });
    const first = await checkout("a");
    held.set(first.agent.process.pid ?? 0, 1001);
    expect(first.agent.process.exit).toBeNull();
    first.release(true);
    const second = await checkout("a");
    expect(first.agent.process.exit).not.toBeNull();
    expect(second.agent.process).not.toBe(first.agent.process);
    held.set(second.agent.process.pid ?? 0, 1000);
    second.release(true);
    expect(pool.processes).toMatchObject([{ sessionId: "a", state: "bound" }]);
    expect(pool.counters).toMatchObject({ oversized: 1, crashes: 0, evictions: 0 });
  });
});

describe("a process that ends by itself", () => {
  test("is counted, in a turn or between two; one that the pool ends is not", async () => {
    const { checkout } = setUp();
    const idle = await checkout("idle");
    idle.release(true);
    process.kill(idle.agent.process.pid ?? 0, "SIGKILL");
    await eventually(() => pool.counters.crashes === 1, "the idle one is counted");
    const busy = await checkout("busy");
    process.kill(busy.agent.process.pid ?? 0, "SIGKILL");
    await busy.agent.process.exited;
    busy.release(false);
    await eventually(() => pool.counters.crashes === 2, "the busy one is counted");
    (await checkout("evicted")).release(true);
    await pool.evict("evicted");
    expect(pool.counters.crashes).toBe(2);
  });
});
