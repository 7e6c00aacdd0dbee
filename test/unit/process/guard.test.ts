import { spawn, type ChildProcess } from "node:child_process";
import { afterEach, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import { agentProgram, firstLine, groupMembers, guardsOf, isRunning } from "../../support/groups.ts";
import { eventually } from "../../support/processes.ts";
import { silent } from "../apps/temp-project.ts";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** A program like kartad, with three groups alive: one that ignores SIGTERM, one with a grandchild, one with an escapee. */
async function parentOfGroups() {
  const parent = spawn(process.execPath, [agentProgram("parent-of-groups.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH },
  });
  started.push(parent);
  const told = z
    .object({ groups: z.array(z.number()), grandchild: z.number(), escapee: z.number() })
    .parse(JSON.parse(await firstLine(parent.stdout)));
  return { ...told, pid: parent.pid ?? 0, kill: (signal: NodeJS.Signals) => parent.kill(signal) };
}

const members = (groups: readonly number[]): number[] => groups.flatMap(groupMembers);

/** Waits for the one guard of a process, other than `not`. */
async function guardOf(pid: number, not?: number): Promise<number> {
  const found = () => guardsOf(pid).find((guard) => guard !== not);
  await eventually(() => found() !== undefined, "there is a guard");
  return found() ?? 0;
}

describe("the guard", () => {
  test("ends every group, grandchildren too, when its parent is killed with SIGKILL", async () => {
    const parent = await parentOfGroups();
    const guard = await guardOf(parent.pid);
    expect(members(parent.groups)).toHaveLength(4);
    expect(isRunning(parent.grandchild)).toBe(true);
    parent.kill("SIGKILL");
    await eventually(() => members(parent.groups).length === 0, "the groups are gone");
    expect(isRunning(parent.grandchild)).toBe(false);
    await eventually(() => !isRunning(parent.escapee), "what had left its group is gone");
    await eventually(() => !isRunning(guard), "the guard has ended too");
  });

  test("outlives the signals of a Ctrl-C or a service manager that reach it first", async () => {
    const parent = await parentOfGroups();
    const guard = await guardOf(parent.pid);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.kill(guard, signal);
    parent.kill("SIGKILL");
    await eventually(() => members(parent.groups).length === 0, "the groups are gone");
  });

  test("is started again after its own death, and knows every group", async () => {
    const parent = await parentOfGroups();
    const first = await guardOf(parent.pid);
    process.kill(first, "SIGKILL");
    await guardOf(parent.pid, first);
    expect(members(parent.groups)).toHaveLength(4); // its death harmed nobody
    parent.kill("SIGKILL");
    await eventually(() => members(parent.groups).length === 0, "the groups are gone");
  });

  test("is one process, not there before the first child and gone after stopAll()", async () => {
    const spawner = new ProcessSpawner({ logger: silent });
    const before = new Set(guardsOf(process.pid));
    const own = () => guardsOf(process.pid).filter((pid) => !before.has(pid));
    const idle = () =>
      spawner.spawn({
        purpose: "harness",
        command: agentProgram("idles.sh"),
        args: [],
        cwd: "/",
        env: { PATH: "/usr/bin:/bin" },
      });
    expect(own()).toEqual([]);
    idle();
    idle();
    expect(own()).toHaveLength(1);
    await spawner.stopAll(200);
    await eventually(() => own().length === 0, "the guard has ended");
  });
});
