/** A child in a sandbox is a child like any other: its group, its grace, its end. What it may see: test/e2e/confinement.test.ts. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runBounded } from "../../../daemon/apps/bounded-run.ts";
import { GroupMemory } from "../../../daemon/process/memory.ts";
import { ownPlaces, Sandbox } from "../../../daemon/process/sandbox.ts";
import { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import { TempFolders } from "../../../daemon/process/temp-folders.ts";
import { firstLine, groupMembers } from "../../support/groups.ts";
import { processesRunning } from "../../support/processes.ts";
import { sandboxHere } from "../../support/sandbox.ts";
import { folderWith, silent, spawnerForTests } from "../apps/temp-project.ts";

const here = await sandboxHere();
if (here !== null) process.stdout.write(`without a sandbox: ${here}\n`);
const plain = spawnerForTests();

const shell = (script: string, cwd: string) => ({
  purpose: "harness" as const,
  command: "/bin/sh",
  args: ["-c", script],
  cwd,
  env: { PATH: process.env.PATH ?? "" },
});

test("a child that wants one is not started where there is none", async () => {
  const folder = await folderWith();
  const child = plain.spawn({
    ...shell("echo here > file", folder),
    sandbox: ownPlaces({ cwd: folder, home: folder }),
  });
  expect(await child.exited).toEqual({
    kind: "not_started",
    code: "ENOTSUP",
    detail: "its sandbox cannot be made",
  });
  expect(child.pid).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});

test.each(["darwin", "win32"] as const)("on %s there is none, and it says so", async (platform) => {
  const sandbox = new Sandbox({ searchPath: process.env.PATH ?? "", platform, hidden: [] });
  expect(await sandbox.probe()).toMatchObject({
    kind: "unavailable",
    detail: expect.stringContaining("Linux only"),
  });
  expect(sandbox.problem()).toContain("leave `sandbox` out");
});

test("a bubblewrap that cannot make one says why", async () => {
  const folder = await folderWith();
  const bwrap = path.join(folder, "bwrap");
  writeFileSync(bwrap, "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n", {
    mode: 0o755,
  });
  const sandbox = new Sandbox({ searchPath: folder, platform: "linux", hidden: [] });
  expect(await sandbox.probe()).toMatchObject({
    kind: "unavailable",
    detail: `${bwrap} cannot make a sandbox here: bwrap: No permissions to create new namespace`,
    fix: expect.stringContaining("user namespaces"),
  });
});

(here === null ? describe : describe.skip)("a child in a sandbox", () => {
  let root: string;
  let folder: string;
  let spawner: ProcessSpawner;
  beforeAll(async () => {
    root = await folderWith({
      "project/in.txt": "in",
      "project/karta.jsonc": "{}",
      "state/store": "the store",
      file: "a kept file",
    });
    folder = path.join(root, "project");
    const state = path.join(root, "state");
    spawner = new ProcessSpawner({
      logger: silent,
      temp: new TempFolders(state, root),
      sandbox: new Sandbox({
        searchPath: process.env.PATH ?? "",
        platform: process.platform,
        hidden: [state, path.join(root, "file"), path.join(root, "nothing")],
      }),
    });
  });
  afterAll(() => spawner.stopAll(200));
  const start = (script: string) =>
    spawner.spawn({
      ...shell(script, folder),
      tempVariables: ["TMPDIR"],
      sandbox: ownPlaces({ cwd: folder, home: folder }),
    });

  test("sees its own places, and hidden ones empty; its exit code is its own; its temporary files go", async () => {
    const script = `cat in.txt ../state/store ../file; ls -A ../state/tmp | wc -l; echo x > /tmp/x; echo x > /var/tmp/x
      echo x > $TMPDIR/x && echo x > ../state/x; echo x > out.txt; echo x > karta.jsonc; readlink /proc/self/ns/net; exit 7`;
    const run = await runBounded(start(script), { timeoutMs: 10_000, tailBytes: 4096 });
    expect(run.exit).toEqual({ kind: "exited", code: 7 });
    expect(run.stdout).toMatch(/^in *1\n/);
    expect(run.output).not.toContain("kept");
    expect(existsSync(path.join(folder, "out.txt"))).toBe(true);
    expect(readFileSync(path.join(folder, "karta.jsonc"), "utf8")).toBe("{}");
    expect(readdirSync(path.join(root, "state")).sort()).toEqual(["store", "tmp"]);
    expect(readdirSync(path.join(root, "state", "tmp"))).toEqual([]);
  });

  test("is a group that is counted whole, hears SIGTERM, and has its grace", async () => {
    const child = start("trap 'sleep 0.2; echo bye; exit 0' TERM; sleep 1005 & echo ready; wait");
    expect(await firstLine(child.stdout)).toBe("ready");
    const group = child.pid ?? 0;
    expect(groupMembers(group).length).toBeGreaterThanOrEqual(4); // bubblewrap, the namespace's first, the shell, its child
    expect(new GroupMemory().of(group)).toBeGreaterThan(0);
    const last = firstLine(child.stdout);
    await child.stop(5000);
    expect(await last).toBe("bye");
    expect(groupMembers(group)).toEqual([]);
  });

  test("takes with it what has left its group and shed its mark", async () => {
    const child = start("setsid env -i sleep 1006 & echo ready; wait; sleep 1");
    expect(await firstLine(child.stdout)).toBe("ready");
    await child.stop(0);
    expect(processesRunning("sleep 1006")).toEqual([]);
  });
});
