import { describe, expect, test } from "@jest/globals";
import { GroupMemory } from "../../../daemon/process/memory.ts";
import type { ManagedProcess } from "../../../daemon/process/process.ts";
import { firstLine, groupMembers } from "../../support/groups.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const spawner = spawnerForTests();
const MEGABYTE = 1024 * 1024;

/** Code that holds this much and says when it does. */
function holder(megabytes: number): string {
  return `globalThis.held = Buffer.alloc(${megabytes} * 1024 * 1024, 1); console.log("held"); setInterval(() => {}, 1e6)`;
}

function run(code: string): ManagedProcess {
  return spawner.spawn({
    purpose: "harness",
    command: process.execPath,
    args: ["-e", code],
    cwd: "/",
    env: {},
  });
}

/** The group of a process that holds this much. */
async function holding(megabytes: number): Promise<number> {
  const child = run(holder(megabytes));
  await firstLine(child.stdout);
  return child.pid ?? 0;
}

describe("the memory of a process group", () => {
  test("is what its processes hold", async () => {
    const small = await holding(1);
    const big = await holding(201);
    const memory = new GroupMemory();
    const difference = (memory.of(big) ?? 0) - (memory.of(small) ?? 0);
    expect(difference / MEGABYTE).toBeGreaterThan(180);
    expect(difference / MEGABYTE).toBeLessThan(220);
  });

  test("counts every member of the group, and is gone with it", async () => {
    const child = run(
      `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(holder(200))}], { stdio: "inherit" })`,
    );
    await firstLine(child.stdout);
    const group = child.pid ?? 0;
    expect(groupMembers(group)).toHaveLength(2);
    expect(new GroupMemory().of(group)).toBeGreaterThan(200 * MEGABYTE);
    await child.stop(0);
    expect(new GroupMemory().of(group)).toBeNull();
  });

  test("is not known of a group that is not there; who is in which group is looked up once a second", async () => {
    let clock = 0;
    const memory = new GroupMemory(() => clock);
    expect(memory.of(2 ** 30)).toBeNull();
    const group = await holding(1);
    clock = 999;
    expect(memory.of(group)).toBeNull();
    clock = 1000;
    expect(memory.of(group)).toBeGreaterThan(MEGABYTE);
  });
});
