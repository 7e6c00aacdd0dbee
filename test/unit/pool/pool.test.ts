import { describe, expect, test } from "@jest/globals";
import type { LaunchSpec } from "../../../daemon/harness/harness.ts";
import type { CheckoutRequest } from "../../../daemon/pool/lease.ts";
import { Pool } from "../../../daemon/pool/pool.ts";
import { KartaError } from "../../../shared/errors.ts";
import { ScriptedHarness } from "../../fixtures/scripted-harness.ts";
import { eventually } from "../../support/processes.ts";
import { launchSpec } from "../../support/sessions.ts";
import { silent, spawnerForTests } from "../apps/temp-project.ts";

const spawner = spawnerForTests();
const HOUR = 3_600_000;

/** A pool whose clock moves by one a look, so that "least recently used" is never a tie. */
function poolOf(maxProcesses: number) {
  const harness = new ScriptedHarness();
  let clock = 0;
  const pool = new Pool({ spawner, logger: silent, now: () => (clock += 1), maxProcesses, patienceMs: 50 });
  const checkout = (
    sessionId: string,
    more: Partial<Omit<CheckoutRequest, "launch">> & { launch?: Partial<LaunchSpec> } = {},
  ) => {
    const { launch, ...rest } = more;
    return pool.checkout({
      sessionId,
      harness,
      thread: { kind: "new" },
      prepare: () => Promise.resolve(),
      idleTimeoutMs: HOUR,
      maxOfProject: 100,
      spares: 0,
      signal: new AbortController().signal,
      ...rest,
      launch: launchSpec(launch),
    });
  };
  /** Takes a process and gives it back: the session is now idle. */
  const use = async (sessionId: string, more: Parameters<typeof checkout>[1] = {}) => {
    const lease = await checkout(sessionId, more);
    lease.release(true);
    return lease.agent.process;
  };
  const holders = () => pool.processes.map(({ sessionId, state }) => `${sessionId} ${state}`).sort();
  const living = () => harness.agents.filter(({ process }) => process.exit === null).length;
  return { pool, harness, checkout, use, holders, living };
}

describe("a session", () => {
  test("keeps its process between turns", async () => {
    const { use, harness, pool } = poolOf(5);
    const first = await use("a");
    expect(await use("a")).toBe(first);
    expect(harness.starts).toHaveLength(1);
    expect(pool.processes).toMatchObject([{ sessionId: "a", state: "bound", turns: 2 }]);
    await pool.stop();
  });

  test("that idles too long loses its process, not the next turn", async () => {
    const { use, holders, checkout, pool } = poolOf(5);
    const first = await use("a", { idleTimeoutMs: 10 });
    await first.exited;
    await eventually(() => holders().length === 0, "the pool has let go of it");
    const lease = await checkout("a", { idleTimeoutMs: 10 });
    expect(lease.agent.process).not.toBe(first);
    expect(holders()).toEqual(["a busy"]);
    await pool.stop();
  });

  test("that is busy is not idle, however long it takes; giving back twice counts once", async () => {
    const { checkout, use, holders, pool } = poolOf(5);
    await use("a", { idleTimeoutMs: 30 });
    const lease = await checkout("a", { idleTimeoutMs: 30 });
    const idle = await use("b", { idleTimeoutMs: 30 }); // its timer began after that of "a" would have
    await idle.exited;
    await eventually(() => holders().length === 1, "b is gone");
    expect(holders()).toEqual(["a busy"]);
    lease.release(true);
    const again = await checkout("a");
    lease.release(true);
    expect(holders()).toEqual(["a busy"]);
    again.release(true);
    await pool.stop();
  });

  test("whose process died while idle gets a new one", async () => {
    const { use, harness, holders, pool } = poolOf(5);
    const first = await use("a");
    process.kill(first.pid ?? 0, "SIGKILL");
    await first.exited;
    await eventually(() => holders().length === 0, "the pool has seen it");
    expect(await use("a")).not.toBe(first);
    expect(harness.starts).toHaveLength(2);
    await pool.stop();
  });

  test("whose process is just dying gets a new one only after the old one is gone", async () => {
    const { use, checkout, pool } = poolOf(5);
    const first = await use("a");
    const evicted = pool.evict("a");
    const lease = await checkout("a");
    expect(first.exit).not.toBeNull();
    expect(lease.agent.process).not.toBe(first);
    await evicted;
    await pool.stop();
  });

  test("with other launch options gets another process, on the same thread, and never two at once", async () => {
    const { use, harness, living, pool } = poolOf(5);
    const first = await use("a");
    const thread = { kind: "resume", threadId: "thread-1" } as const;
    const second = await use("a", { thread, launch: { agent: "billing" } });
    expect(second).not.toBe(first);
    expect(first.exit).not.toBeNull();
    expect(living()).toBe(1);
    expect(harness.starts[1]).toMatchObject({ thread, launch: { agent: "billing" } });
    await pool.stop();
  });
});

describe("a bound", () => {
  test("on all processes ends the least recently used idle one", async () => {
    const { use, holders, pool } = poolOf(3);
    for (const session of ["a", "b", "c"]) await use(session);
    await use("a"); // now b is the oldest
    await use("d");
    expect(holders()).toEqual(["a bound", "c bound", "d bound"]);
    await pool.stop();
  });

  test("spares the busy: with nothing idle it is pool_saturated, and tells when to try again", async () => {
    const { checkout, use, holders, harness, pool } = poolOf(2);
    const a = await checkout("a");
    await checkout("b");
    await expect(checkout("c")).rejects.toMatchObject({
      code: "pool_saturated",
      status: 503,
      retryAfterSeconds: expect.any(Number),
      message: expect.stringContaining("max_processes"),
    });
    expect(harness.starts).toHaveLength(2);
    a.release(true);
    await use("c");
    expect(holders()).toEqual(["b busy", "c bound"]);
    await pool.stop();
  });

  test("on a project's processes ends one of that project's", async () => {
    const { use, holders, pool } = poolOf(10);
    await use("other", { launch: { project: "shop" } });
    await use("a", { maxOfProject: 1 });
    await use("b", { maxOfProject: 1 });
    expect(holders()).toEqual(["b bound", "other bound"]);
    await pool.stop();
  });

  test("holds for many who come at once", async () => {
    const { checkout, pool, living, use } = poolOf(4);
    for (const session of ["i", "j", "k", "l"]) await use(session);
    const attempts = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => checkout(`s${index}`)),
    );
    expect(living()).toBeLessThanOrEqual(4);
    expect(attempts.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    for (const attempt of attempts)
      if (attempt.status === "rejected") expect(attempt.reason).toMatchObject({ code: "pool_saturated" });
    await pool.stop();
    expect(living()).toBe(0);
  });
});

describe("a process that is starting", () => {
  test("and is evicted leaves nothing behind, and its session may start again", async () => {
    const { checkout, harness, holders, pool, use } = poolOf(5);
    harness.startGate = new Promise(() => undefined);
    const started = harness.nextStart();
    const starting = checkout("a").catch((error: unknown) => error);
    await started;
    expect(holders()).toEqual(["a starting"]);
    const before = spawner.live.size;
    await pool.evict("a");
    expect(await starting).toBeInstanceOf(KartaError);
    expect(holders()).toEqual([]);
    expect(spawner.live.size).toBe(before - 1);
    harness.startGate = null;
    await use("a");
    await pool.stop();
  });

  test("and is evicted as it becomes ready is ended all the same", async () => {
    for (let hops = 0; hops < 12; hops += 1) {
      const { checkout, harness, living, holders, pool } = poolOf(5);
      let open: () => void = () => undefined;
      harness.startGate = new Promise((resolve) => (open = resolve));
      const started = harness.nextStart();
      const starting = checkout("a").catch((error: unknown) => error);
      await started;
      open();
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      await pool.evict("a");
      await starting;
      expect(holders()).toEqual([]);
      expect(living()).toBe(0);
    }
  });

  test("is given up when its turn is no longer wanted", async () => {
    const { checkout, harness, holders } = poolOf(5);
    harness.startGate = new Promise(() => undefined);
    const wanted = new AbortController();
    const started = harness.nextStart();
    const starting = checkout("a", { signal: wanted.signal });
    await started;
    wanted.abort();
    await expect(starting).rejects.toBeInstanceOf(KartaError);
    expect(holders()).toEqual([]);
  });

  test("and fails is forgotten; its error is the caller's", async () => {
    const { checkout, harness, holders, use, pool } = poolOf(1);
    harness.startError = new KartaError("harness_unavailable", "no binary");
    await expect(checkout("a")).rejects.toBe(harness.startError);
    expect(holders()).toEqual([]);
    harness.startError = null;
    await use("b");
    await pool.stop();
  });
});

describe("stop()", () => {
  test("ends the idle, the busy and the starting, and lends no more", async () => {
    const { checkout, use, harness, living, holders, pool } = poolOf(5);
    await use("idle");
    await checkout("busy");
    harness.startGate = new Promise(() => undefined);
    const started = harness.nextStart();
    const starting = checkout("starting").catch((error: unknown) => error);
    await started;
    await pool.stop();
    expect(await starting).toMatchObject({ code: "harness_unavailable" });
    expect(living()).toBe(0);
    expect(holders()).toEqual([]);
    await expect(checkout("late")).rejects.toMatchObject({ code: "shutting_down" });
  });

  test("leaves no process to one who was waiting for room", async () => {
    const { checkout, use, living, pool } = poolOf(1);
    await use("a");
    const waiting = checkout("b").catch((error: unknown) => error);
    await pool.stop();
    expect(await waiting).toMatchObject({ code: "shutting_down" });
    expect(living()).toBe(0);
  });

  test("of one project spares the others", async () => {
    const { use, holders, pool } = poolOf(5);
    await use("a");
    await use("b", { launch: { project: "shop" } });
    await pool.evictProject("bot");
    expect(holders()).toEqual(["b bound"]);
    await pool.stop();
  });
});
