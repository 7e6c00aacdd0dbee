/** ACP agents through the real pool: places that share a process. What happens to the process counts once. */
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { LaunchSpec, PermissionDecision } from "../../../daemon/harness/harness.ts";
import type { CheckoutRequest, Lease } from "../../../daemon/pool/lease.ts";
import { Pool, type PoolOptions } from "../../../daemon/pool/pool.ts";
import { acpBench, acpCommand, turnOf } from "../../support/acp.ts";
import { groupMembers } from "../../support/groups.ts";
import { eventually } from "../../support/processes.ts";
import { launchSpec } from "../../support/sessions.ts";
import { folderWith, silent, spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(30_000);

const spawner = spawnerForTests();
const folder = await folderWith();
const { harness } = acpBench(spawner, folder);
let pool: Pool;
afterEach(() => pool.stop());

function open(options: Partial<PoolOptions> = {}): void {
  pool = new Pool({ spawner, logger: silent, now: () => Date.now(), maxProcesses: 50, ...options });
}

function checkout(
  sessionId: string,
  more: Partial<CheckoutRequest> = {},
  launch: Partial<LaunchSpec> = {},
): Promise<Lease> {
  return pool.checkout({
    sessionId,
    harness,
    launch: launchSpec({
      cwd: folder,
      home: folder,
      command: acpCommand("misbehaving-agent.ts", "dies"),
      ...launch,
    }),
    thread: { kind: "new" },
    prepare: () => Promise.resolve(),
    idleTimeoutMs: 60_000,
    spares: 0,
    maxOfProject: 50,
    signal: new AbortController().signal,
    ...more,
  });
}

const pids = (): Set<number | null> => new Set(pool.processes.map(({ agent }) => agent?.process.pid ?? null));

describe("sessions of one lane", () => {
  test("have a place each on one process, spares too; the process goes with the last", async () => {
    open();
    const leases = [await checkout("a", { spares: 1 }), await checkout("b", { spares: 1 })];
    await eventually(() => pool.processes.some(({ state }) => state === "ready"), "a spare is ready");
    expect(pool.processes.length).toBe(3);
    expect(pids().size).toBe(1);
    const [pid] = pids();
    for (const lease of leases) lease.release(true);
    await pool.evict("a");
    expect(groupMembers(pid ?? 0)).not.toEqual([]);
    await pool.stop();
    expect(groupMembers(pid ?? 0)).toEqual([]);
  });

  test("that lose their process in the middle of their turns: one crash, one failure of the lane", async () => {
    open();
    const asked = { spares: 1 }; // a lane that keeps some is kept itself
    const [a, b, c] = await Promise.all([checkout("a", asked), checkout("b", asked), checkout("c", asked)]);
    const ends = await Promise.all([turnOf(a.agent, "die"), turnOf(b.agent, "hi"), turnOf(c.agent, "hi")]);
    expect(ends[0].end).toMatchObject({ code: "harness_crashed" });
    for (const lease of [a, b, c]) lease.release(false);
    await eventually(
      () => pool.processes.every(({ sessionId }) => sessionId === null),
      "their places are gone",
    );
    expect(pool.counters.crashes).toBe(1);
    expect(pool.lanes.map(({ failures }) => failures)).toEqual([1]);
    (await checkout("a", asked)).release(true); // and the lane is not shut
  });

  test("on a process that grew too big: idle ones go at once, busy ones after their turn, new ones start elsewhere", async () => {
    const heavy = new Set<number>();
    open({ memoryOf: (group) => (heavy.has(group) ? 2000 : 10), maxProcessBytes: 1000 });
    const [a, b, c] = [await checkout("a"), await checkout("b"), await checkout("c")];
    c.release(true);
    heavy.add(a.agent.process.pid ?? 0);
    a.release(true);
    await eventually(() => pool.processes.length === 1, "the idle ones are gone");
    expect((await turnOf(b.agent, "still working")).end.kind).toBe("completed");
    const d = await checkout("d");
    expect(d.agent.process).not.toBe(b.agent.process);
    b.release(true);
    await b.agent.process.exited;
    expect(pool.counters).toMatchObject({ oversized: 1, crashes: 0 });
    d.release(true);
  });
});

test("a turn that went on after its cancel: its session and its mates' go on elsewhere, and nobody's turn is lost", async () => {
  open();
  const asked = { command: acpCommand("misbehaving-agent.ts", "ignores-cancel") };
  const [stuck, mate] = [await checkout("stuck", {}, asked), await checkout("mate", {}, asked)];
  expect(stuck.agent.process).toBe(mate.agent.process);
  const waiting = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<PermissionDecision>();
  const mates = turnOf(mate.agent, "work until told", () => {
    waiting.resolve(undefined);
    return gate.promise;
  });
  await waiting.promise;
  const spoke = Promise.withResolvers<undefined>();
  const running = stuck.agent.run({
    messageId: "msg_test",
    text: "go",
    images: [],
    emit: () => spoke.resolve(undefined),
    decide: () => Promise.resolve({ kind: "deny", message: "no" }),
    callTool: () => Promise.resolve({ isError: true, content: "no" }),
  });
  await spoke.promise;
  await stuck.agent.cancel();
  void stuck.agent.stop();
  expect(await running).toMatchObject({ kind: "cancelled" });
  stuck.release(false);

  // Never two on one conversation: it waits for the old process to end.
  const again = checkout("stuck", {}, asked);
  await eventually(() => !mate.agent.isOpen, "the process is given up");
  gate.resolve({ kind: "allow", scope: "once", answers: null });
  expect((await mates).end.kind).toBe("completed");
  mate.release(true);
  const next = await again;
  expect(stuck.agent.process.exit).not.toBeNull();
  expect(next.agent.process).not.toBe(stuck.agent.process);
  expect((await turnOf(next.agent, "hello")).end.kind).toBe("completed");
  next.release(true);
  const mateAgain = await checkout("mate", {}, asked);
  expect((await turnOf(mateAgain.agent, "hello")).end.kind).toBe("completed");
  mateAgain.release(true);
});

test("a folder that was read anew: new sessions start a process that reads it, old ones keep theirs", async () => {
  open();
  const old = await checkout("old");
  await pool.dropSpares("bot");
  const fresh = await checkout("fresh");
  expect(fresh.agent.process).not.toBe(old.agent.process);
  expect((await turnOf(old.agent, "hi")).end.kind).toBe("completed");
  for (const lease of [old, fresh]) lease.release(true);
});

test("the least recently used place is given to another when the pool is full", async () => {
  open({ maxProcesses: 2 });
  for (const id of ["a", "b"]) (await checkout(id)).release(true);
  const c = await checkout("c");
  expect(pool.processes.map(({ sessionId }) => sessionId)).toEqual(["b", "c"]);
  expect(pids().size).toBe(1);
  expect(pool.counters.evictions).toBe(1);
  c.release(true);
});
