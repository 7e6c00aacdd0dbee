import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { ProcessJournal } from "../../../daemon/process/journal.ts";
import { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import { newId } from "../../../shared/ids.ts";
import { agentProgram, firstLine, groupMembers, guardsOf, isRunning } from "../../support/groups.ts";
import { eventually } from "../../support/processes.ts";
import { silent } from "../apps/temp-project.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "karta-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the journal", () => {
  test("lets the next start end what was left when kartad and its guard died together", async () => {
    const parent = spawn(process.execPath, [agentProgram("parent-of-groups.ts"), folder], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH },
    });
    const told = z
      .object({ groups: z.array(z.number()), grandchild: z.number(), escapee: z.number() })
      .parse(JSON.parse(await firstLine(parent.stdout)));
    const pid = parent.pid ?? 0;
    await eventually(() => guardsOf(pid).length === 1, "there is a guard");
    parent.kill("SIGSTOP"); // so that it cannot start its guard anew
    for (const guard of guardsOf(pid)) process.kill(guard, "SIGKILL");
    parent.kill("SIGKILL");
    await eventually(() => !isRunning(pid), "the parent is gone");
    const left = told.groups.flatMap(groupMembers);
    expect(left).toHaveLength(4); // orphans, a grandchild among them

    expect(await new ProcessJournal(folder).endLeftovers()).toBe(5);
    await eventually(() => [...left, told.escapee].every((one) => !isRunning(one)), "the orphans are gone");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("leaves alone what another kartad started, and what only looks alike", async () => {
    const spawner = new ProcessSpawner({ logger: silent });
    const other = spawner.spawn({
      purpose: "harness",
      command: agentProgram("idles.sh"),
      args: [],
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
    });
    const journal = new ProcessJournal(folder);
    journal.add(newId("proc"));
    writeFileSync(path.join(folder, "notes.txt"), "mine");
    expect(await journal.endLeftovers()).toBe(0);
    expect(isRunning(other.pid ?? 0)).toBe(true);
    expect(readdirSync(folder)).toEqual(["notes.txt"]);
    await spawner.stopAll();
  });

  test("holds a child while it lives, one that could not be started too, and nothing afterwards", async () => {
    const journal = new ProcessJournal(folder);
    const spawner = new ProcessSpawner({ logger: silent, journal });
    const start = (command: string) =>
      spawner.spawn({ purpose: "harness", command, args: [], cwd: "/", env: { PATH: "/usr/bin:/bin" } });
    const child = start(agentProgram("idles.sh"));
    expect(readdirSync(folder)).toEqual([child.id]);
    await start("/no/such/program").exited;
    expect(readdirSync(folder)).toEqual([child.id]);
    await spawner.stopAll();
    expect(readdirSync(folder)).toEqual([]);
  });
});
