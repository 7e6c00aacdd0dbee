/** Conversations on one process: who shares, what the death of the process costs, and who ends it. */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { CONVERSATIONS_A_PROCESS } from "../../../../daemon/harness/acp/shared-connections.ts";
import type { AgentProcess, LaunchSpec } from "../../../../daemon/harness/harness.ts";
import { acpBench, acpCommand, turnOf } from "../../../support/acp.ts";
import { groupMembers } from "../../../support/groups.ts";
import { folderWith, spawnerForTests } from "../../apps/temp-project.ts";

const spawner = spawnerForTests();
const folder = await folderWith();
const bench = acpBench(spawner, folder);

const start = (launch: Partial<LaunchSpec> = {}): Promise<AgentProcess> =>
  bench.start(acpCommand("misbehaving-agent.ts", "dies"), launch);

async function stopAll(agents: readonly AgentProcess[]): Promise<void> {
  await Promise.all(agents.map((agent) => agent.stop()));
  expect(spawner.live.size).toBe(0);
}

describe("conversations with equal launch options", () => {
  test("share a process, also when they start at once; the last one to stop ends it", async () => {
    const [first, second, third] = await Promise.all([start(), start(), start()]);
    const agents = [first, second, third];
    expect(new Set(agents.map(({ process }) => process)).size).toBe(1);
    expect(new Set(agents.map(({ threadId }) => threadId)).size).toBe(3);
    for (const agent of agents)
      expect((await turnOf(agent, "hello")).text).toBe(`pid ${first.process.pid ?? 0}`);

    await first.stop();
    expect(first.process.exit).toBeNull();
    expect((await turnOf(second, "still there?")).end).toMatchObject({ kind: "completed" });
    await stopAll(agents);
    expect(groupMembers(first.process.pid ?? 0)).toEqual([]);
  });

  test("share it whatever their agent and model would be; another environment is another process", async () => {
    const [one, other] = await Promise.all([start(), start({ env: { ORDERS_URL: "http://orders" } })]);
    expect(one.process).not.toBe(other.process);
    await stopAll([one, other]);
  });

  test("are at most sixteen on a process", async () => {
    const agents = await Promise.all(Array.from({ length: CONVERSATIONS_A_PROCESS + 1 }, () => start()));
    expect(new Set(agents.map(({ process }) => process)).size).toBe(2);
    await stopAll(agents);
  });

  test("do not share an agent that cannot end one of them", async () => {
    const alone = (): Promise<AgentProcess> =>
      bench.start(acpCommand("misbehaving-agent.ts", "cannot-close"));
    const agents = [...(await Promise.all([alone(), alone()])), await alone()];
    expect(new Set(agents.map(({ process }) => process)).size).toBe(3);
    await agents[0]?.stop();
    expect(agents[0]?.process.exit).not.toBeNull();
    expect(agents[1]?.process.exit).toBeNull();
    await stopAll(agents);
  });
});

test("the death of the process ends the turn of each conversation on it, and the next start is a new process", async () => {
  const [dying, mate] = await Promise.all([start(), start()]);
  const ends = await Promise.all([turnOf(mate, "hello"), turnOf(dying, "die")]);
  expect(ends[1].end).toMatchObject({ kind: "failed", code: "harness_crashed" });
  expect(await turnOf(mate, "hello?")).toMatchObject({ end: { kind: "failed", code: "harness_crashed" } });
  const next = await start();
  expect(next.process).not.toBe(mate.process);
  expect((await turnOf(next, "hello")).end.kind).toBe("completed");
  await stopAll([dying, mate, next]);
});

test("who comes while a process dies in others' hands is given a new one (kartad asked for that one for ever)", async () => {
  const [one, mate] = await Promise.all([start(), start()]);
  process.kill(one.process.pid ?? 0, "SIGKILL");
  while (one.process.exit === null) await turnOfTheLoop(); // it is dead, and its group is still being looked after
  const next = await start();
  expect(next.process).not.toBe(one.process);
  await stopAll([one, mate, next]);
});

test("a process that is retired keeps its conversations and takes no further ones", async () => {
  const old = await start();
  old.retire();
  const next = await start();
  expect(next.process).not.toBe(old.process);
  expect((await turnOf(old, "hello")).end.kind).toBe("completed");
  await stopAll([old, next]);
});

test("a start that is given up does not take the process from those who wait for it too", async () => {
  const given = new AbortController();
  const command = acpCommand("misbehaving-agent.ts", "dies");
  const unwanted = bench.start(command, {}, { kind: "new" }, given.signal);
  const wanted = bench.start(command);
  given.abort();
  await expect(unwanted).rejects.toMatchObject({ code: "harness_unavailable" });
  expect((await turnOf(await wanted, "hello")).end.kind).toBe("completed");
  await stopAll([await wanted]);
});
