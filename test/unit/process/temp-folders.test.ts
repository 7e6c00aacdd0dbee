/** Temporary files of children: in a folder of each one's own, which goes with it. */
import { describe, expect, test } from "@jest/globals";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { newId } from "../../../shared/ids.ts";
import { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import { TempFolders } from "../../../daemon/process/temp-folders.ts";
import { folderWith, silent } from "../apps/temp-project.ts";

const LEAVES_A_FILE = [
  "-c",
  'echo library > "$TMPDIR/.lib.so"; echo "$TMPDIR"; [ "$1" = stay ] && sleep 1000',
  "sh",
];

async function bench() {
  const home = await folderWith();
  const spawner = new ProcessSpawner({ logger: silent, temp: new TempFolders(home, "/nowhere") });
  const start = (argument: string) =>
    spawner.spawn({
      purpose: "harness",
      command: "/bin/sh",
      args: [...LEAVES_A_FILE, argument],
      cwd: "/",
      env: { PATH: "/usr/bin:/bin", TMPDIR: "/somebody's" },
      tempVariables: ["TMPDIR", "OTHER_TMPDIR"],
    });
  return { home, spawner, start, left: () => readdirSync(path.join(home, "tmp")) };
}

test.each(["ends by itself", "is ended"])("of a child that %s nothing is left", async (how) => {
  const { spawner, start, left, home } = await bench();
  const child = start(how === "is ended" ? "stay" : "go");
  const said: unknown = (await child.stdout.take(1).toArray())[0];
  const folder = String(said).trim();
  expect(path.dirname(folder)).toBe(path.join(home, "tmp"));
  if (how === "is ended") {
    expect(existsSync(path.join(folder, ".lib.so"))).toBe(true);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await child.stop(0);
  }
  await child.exited;
  expect(left()).toEqual([]);
  await spawner.stopAll();
});

test("what a dead kartad left goes at the next start", async () => {
  const home = await folderWith({ "tmp/abcdefgh/deep/.lib.so": "x", "tmp/zzz": "y", "kept.txt": "z" });
  await new TempFolders(home, "/nowhere").clear();
  expect(readdirSync(path.join(home, "tmp"))).toEqual([]);
  expect(existsSync(path.join(home, "kept.txt"))).toBe(true);
});

describe("a state folder whose path is too long for sockets", () => {
  const long = `/srv/${"long/".repeat(20)}state`;

  test("has them in the system's place, short enough for a socket", async () => {
    const system = await folderWith();
    const temp = new TempFolders(long, system);
    const made = temp.make(newId("proc")) ?? "";
    expect(path.dirname(path.dirname(made))).toBe(system);
    expect(Buffer.byteLength(path.join(made, "cc-socks", "4194304.sock"))).toBeLessThanOrEqual(103);
    expect(statSync(path.dirname(made)).mode & 0o777).toBe(0o700);
  });

  test.each(["a link", "open to others"])("and none where somebody else was first: %s", async (what) => {
    const system = await folderWith();
    const place = path.dirname(new TempFolders(long, system).make(newId("proc")) ?? "");
    const other = await folderWith({ "theirs/file.txt": "x" });
    const again = await folderWith();
    const squatted = path.join(again, path.basename(place));
    if (what === "a link") symlinkSync(path.join(other, "theirs"), squatted);
    else {
      mkdirSync(squatted);
      writeFileSync(path.join(squatted, "file.txt"), "x");
      chmodSync(squatted, 0o777);
    }
    const temp = new TempFolders(long, again);
    expect(temp.make(newId("proc"))).toBeNull();
    await temp.clear();
    expect(existsSync(path.join(squatted, "file.txt"))).toBe(true);
  });
});

test("a full disk, or a folder that cannot be made, costs the folder and not the child", async () => {
  const home = await folderWith({ tmp: "a file" });
  const spawner = new ProcessSpawner({ logger: silent, temp: new TempFolders(home, "/nowhere") });
  const child = spawner.spawn({
    purpose: "harness",
    command: "/bin/sh",
    args: ["-c", 'echo "$TMPDIR"'],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", TMPDIR: "/tmp" },
    tempVariables: ["TMPDIR"],
  });
  expect(String((await child.stdout.toArray())[0]).trim()).toBe("/tmp");
  await spawner.stopAll();
});
