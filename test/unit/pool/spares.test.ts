import { afterEach, describe, expect, test } from "@jest/globals";
import type { LaunchSpec } from "../../../daemon/harness/harness.ts";
import { Lane } from "../../../daemon/pool/lane.ts";
import type { CheckoutRequest } from "../../../daemon/pool/lease.ts";
import { Pool } from "../../../daemon/pool/pool.ts";
import { KartaError } from "../../../shared/errors.ts";
import { ScriptedHarness } from "../../fixtures/scripted-harness.ts";
import { eventually } from "../../support/processes.ts";
import { launchSpec } from "../../support/sessions.ts";
import { silent, spawnerForTests } from "../apps/temp-project.ts";

const spawner = spawnerForTests();
let pool: Pool;
afterEach(() => pool.stop());

function setUp(options: { maxProcesses?: number; spares?: number; patienceMs?: number } = {}) {
  const harness = new ScriptedHarness();
  pool = new Pool({
    spawner,
    logger: silent,
    now: () => Date.now(),
    maxProcesses: options.maxProcesses ?? 10,
    patienceMs: options.patienceMs ?? 5000,
  });
  const lane = (launch: Partial<LaunchSpec> = {}) => ({
    harness,
    launch: launchSpec(launch),
    spares: options.spares ?? 1,
    maxOfProject: 100,
  });
  const request = (sessionId: string, launch?: Partial<LaunchSpec>): CheckoutRequest => ({
    ...lane(launch),
    sessionId,
    thread: { kind: "new" },
    prepare: () => Promise.resolve(),
    idleTimeoutMs: 3_600_000,
    signal: new AbortController().signal,
  });
  const states = () => pool.processes.map(({ state }) => state).sort();
  return { harness, lane, request, states };
}

describe("spares", () => {
  test("are kept ready, taken by a new session at once, and refilled behind it", async () => {
    const { lane, request, states, harness } = setUp();
    pool.prepare(lane());
    await eventually(() => states().join() === "ready", "a spare is ready");
    const spare = pool.processes[0];
    const lease = await pool.checkout(request("a"));
    expect(lease.agent).toBe(spare?.agent);
    expect(spare?.sessionId).toBe("a");
    await eventually(() => states().join() === "busy,ready", "the lane is refilled");
    expect(harness.starts).toHaveLength(2);
    expect(pool.counters).toMatchObject({ warmStarts: 1, coldStarts: 0 });
    lease.release(true);
  });

  test("and live processes need nothing prepared; a new process does, before it starts", async () => {
    const { lane, request, states, harness } = setUp();
    pool.prepare(lane());
    await eventually(() => states().join() === "ready", "a spare is ready");
    const prepared: number[] = [];
    const prepare = () => Promise.resolve(void prepared.push(harness.starts.length));
    const warm = await pool.checkout({ ...request("a"), prepare });
    warm.release(true);
    (await pool.checkout({ ...request("a"), prepare })).release(true);
    expect(prepared).toEqual([]);
    await eventually(() => states().join() === "bound,ready", "the lane is refilled");
    const cold = { ...request("b"), thread: { kind: "resume", threadId: "t" }, prepare } as const;
    (await pool.checkout(cold)).release(true);
    expect(prepared).toEqual([2]);
    const refused = new Error("no workspace");
    const broken = { ...cold, sessionId: "c", prepare: () => Promise.reject(refused) };
    await expect(pool.checkout(broken)).rejects.toBe(refused);
    expect(harness.starts).toHaveLength(3);
  });

  test("are not given to a conversation that must be resumed, nor to other launch options", async () => {
    const { lane, request, states, harness } = setUp();
    pool.prepare(lane());
    await eventually(() => states().join() === "ready", "a spare is ready");
    const resumed = await pool.checkout({ ...request("a"), thread: { kind: "resume", threadId: "old" } });
    expect(resumed.agent.threadId).toBe("old");
    const other = await pool.checkout(request("b", { agent: "billing" }));
    expect(pool.counters).toMatchObject({ warmStarts: 0, coldStarts: 2 });
    expect(harness.starts.map(({ launch }) => launch.agent)).toContain("billing");
    resumed.release(true);
    other.release(true);
  });

  test("go first when room is needed, and take no room that a session could use", async () => {
    const { lane, request, states } = setUp({ maxProcesses: 2 });
    pool.prepare(lane());
    await eventually(() => states().join() === "ready", "a spare is ready");
    const a = await pool.checkout({ ...request("a"), thread: { kind: "resume", threadId: "t" } });
    const b = await pool.checkout({ ...request("b"), thread: { kind: "resume", threadId: "u" } });
    expect(states()).toEqual(["busy", "busy"]);
    a.release(true);
    b.release(true);
    expect(pool.processes.map(({ sessionId }) => sessionId).sort()).toEqual(["a", "b"]);
  });

  test("that a session waits for while they start are its own: whoever waits for room does not take them", async () => {
    const { lane, request, harness } = setUp({ maxProcesses: 1 });
    const gate = Promise.withResolvers<undefined>();
    harness.startGate = gate.promise;
    const starting = harness.nextStart();
    pool.prepare(lane());
    await starting;
    const first = pool.checkout(request("a"));
    const second = pool.checkout(request("b"));
    await eventually(() => pool.waiting === 1, "the other one waits for room");
    gate.resolve(undefined);
    (await first).release(true);
    (await second).release(true);
    expect(pool.counters).toMatchObject({ warmStarts: 1, coldStarts: 1, evictions: 1 });
  });

  test("that died while they waited are not lent", async () => {
    const { lane, request, states } = setUp();
    pool.prepare(lane());
    await eventually(() => states().join() === "ready", "a spare is ready");
    const spare = pool.processes[0]?.agent;
    await spare?.process.stop(0);
    const lease = await pool.checkout(request("a"));
    expect(lease.agent).not.toBe(spare);
    lease.release(true);
  });

  test("of a project whose folder changed are ended; the sessions' processes stay", async () => {
    const { lane, request, states } = setUp();
    const lease = await pool.checkout(request("a"));
    pool.prepare(lane());
    await eventually(() => states().join() === "busy,ready", "a spare is ready");
    await pool.dropSpares("bot");
    expect(pool.processes.map(({ sessionId }) => sessionId)).toContain("a");
    expect(states().filter((state) => state === "ready")).toEqual([]);
    lease.release(true);
  });
});

describe("a full pool", () => {
  test("lets turns wait, one project after the other", async () => {
    const { request } = setUp({ maxProcesses: 1, spares: 0 });
    const first = await pool.checkout(request("first"));
    const order: string[] = [];
    const wait = (sessionId: string, project: string) =>
      pool.checkout(request(sessionId, { project })).then((lease) => {
        order.push(sessionId);
        lease.release(true);
      });
    const waiting = [wait("a1", "a"), wait("a2", "a"), wait("a3", "a"), wait("b1", "b")];
    await eventually(() => pool.waiting === 4, "all wait");
    first.release(true);
    await Promise.all(waiting);
    expect(order).toHaveLength(4);
    expect(order.indexOf("b1")).toBeLessThan(order.indexOf("a3")); // b does not wait for all of a
  });

  test("gives up the wait of a turn that was cancelled", async () => {
    const { request } = setUp({ maxProcesses: 1, spares: 0 });
    const first = await pool.checkout(request("first"));
    const cancel = new AbortController();
    const waiting = pool.checkout({ ...request("a"), signal: cancel.signal });
    await eventually(() => pool.waiting === 1, "it waits");
    cancel.abort();
    await expect(waiting).rejects.toMatchObject({ code: "shutting_down" });
    expect(pool.waiting).toBe(0);
    first.release(true);
  });
});

describe("a lane", () => {
  test("that keeps no spares goes with its last process", async () => {
    const { request } = setUp({ spares: 0 });
    for (const sessionId of ["a", "b"]) (await pool.checkout(request(sessionId))).release(true);
    (await pool.checkout(request("c", { cwd: "/tmp" }))).release(true);
    await pool.evict("a");
    await pool.evict("c");
    expect(pool.lanes.map(({ request: { launch } }) => launch.cwd)).toEqual(["/"]);
    await pool.evict("b");
    expect(pool.lanes).toEqual([]);
  });

  test("that backs off opens at once when the project's folder was read anew", async () => {
    const { request, harness } = setUp({ spares: 0 });
    harness.startError = new KartaError("harness_unavailable", "broken");
    for (let n = 0; n < 2; n += 1) await expect(pool.checkout(request("a"))).rejects.toThrow("broken");
    harness.startError = null;
    for (let n = 0; n < 2; n += 1) pool.lanes[0]?.failed(Date.now()); // four in a row: 4 s
    await expect(pool.checkout(request("a"))).rejects.toThrow(/in a row/);
    await pool.dropSpares("bot");
    (await pool.checkout(request("a"))).release(true);
  });
});

describe("a lane whose starts fail", () => {
  test("backs off, longer each time, and opens again with a turn that goes well", () => {
    const { lane: laneRequest } = setUp();
    const lane = new Lane("key", laneRequest(), 0);
    lane.failed(1000);
    expect(lane.blockedMs(1000)).toBe(0); // one failure can be chance
    lane.failed(1000);
    expect(lane.blockedMs(1000)).toBe(1000);
    lane.failed(2000);
    expect(lane.blockedMs(2000)).toBe(2000);
    expect(() => lane.requireOpen(2000)).toThrow(/failed 3 times in a row/);
    for (let n = 0; n < 20; n += 1) lane.failed(3000);
    expect(lane.blockedMs(3000)).toBe(60_000);
    lane.succeeded();
    expect(lane.blockedMs(3000)).toBe(0);
    expect(lane.wantedSpares(3000)).toBe(1);
    expect(lane.wantedSpares(3_700_000)).toBe(0); // unused for an hour
  });
});
