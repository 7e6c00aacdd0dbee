import { describe, expect, test } from "@jest/globals";
import type { SpawnRequest } from "../../../daemon/process/process.ts";
import { describeExit } from "../../../daemon/process/process.ts";
import { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import { runBounded } from "../../../daemon/apps/bounded-run.ts";
import { agentProgram, firstLine, groupMembers, isRunning } from "../../support/groups.ts";
import { eventually } from "../../support/processes.ts";
import { silent, spawnerForTests } from "../apps/temp-project.ts";

const spawner = spawnerForTests();

function program(name: string, ...args: string[]): SpawnRequest {
  return {
    purpose: "harness",
    command: agentProgram(name),
    args,
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
  };
}

describe("a program that cannot be started", () => {
  test("that is missing says so in `exited`; nothing throws", async () => {
    const child = spawner.spawn(program("no-such-program"));
    expect(child.pid).toBeNull();
    const exit = await child.exited;
    expect(exit).toMatchObject({ kind: "not_started", code: "ENOENT" });
    expect(describeExit(exit)).toMatch(/could not be started \(ENOENT\): .*no-such-program/);
    expect(child.exit).toEqual(exit);
    expect(spawner.live.has(child)).toBe(false);
    await child.stop();
  });

  test("that is not executable says so", async () => {
    const child = spawner.spawn(program("parent-of-groups.ts"));
    expect(await child.exited).toMatchObject({ kind: "not_started", code: "EACCES" });
  });

  test("whose folder is missing says so", async () => {
    const child = spawner.spawn({ ...program("idles.sh"), cwd: "/no/such/folder" });
    expect(await child.exited).toMatchObject({ kind: "not_started", code: "ENOENT" });
  });

  test("writing to its stdin does no harm", async () => {
    const child = spawner.spawn(program("no-such-program"));
    child.stdin.write("hello\n");
    child.stdin.end();
    await child.exited;
  });
});

describe("a child", () => {
  test("gets the environment that was asked for and nothing of kartad's", async () => {
    const child = spawner.spawn({ ...program("idles.sh"), command: "/usr/bin/env", env: { ONLY: "this" } });
    const chunks: string[] = [];
    for await (const chunk of child.stdout.setEncoding("utf8")) chunks.push(String(chunk));
    expect(chunks.join("").trim().split("\n").sort()).toEqual([
      expect.stringMatching(/^KARTA_INSTANCE=inst_\w{24}$/),
      `KARTA_PROCESS=${child.id}`,
      "ONLY=this",
    ]);
  });

  test("leads a group of its own", async () => {
    const child = spawner.spawn(program("idles.sh"));
    expect(Number(await firstLine(child.stdout))).toBe(child.pid);
    expect(groupMembers(child.pid ?? 0)).toEqual([child.pid]);
    await child.stop();
    expect(await child.exited).toEqual({ kind: "signalled", signal: "SIGTERM" });
  });

  test("that exits at once leaves its code, and a later stop() is harmless", async () => {
    const child = spawner.spawn(program("exits-at-once.sh", "9"));
    child.stdin.write("too late\n"); // EPIPE, or not: neither may throw
    expect(await child.exited).toEqual({ kind: "exited", code: 9 });
    expect(child.exit).toEqual({ kind: "exited", code: 9 });
    await child.stop();
    await child.stop(0);
  });

  test("that floods a stdout nobody reads is ended, and its flood was not buffered without bound", async () => {
    const child = spawner.spawn(program("floods-stdout.sh"));
    await new Promise((resolve) => child.stdout.once("readable", resolve));
    expect(child.stdout.readableLength).toBeLessThan(1024 * 1024);
    await child.stop();
    expect(child.exit?.kind).toBe("signalled");
  });
});

describe("stop()", () => {
  test("ends a child that ignores SIGTERM, by SIGKILL after the grace", async () => {
    const child = spawner.spawn(program("ignores-sigterm.sh"));
    await firstLine(child.stdout);
    const startedAt = performance.now();
    await child.stop(150);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(150);
    expect(child.exit).toEqual({ kind: "signalled", signal: "SIGKILL" });
    expect(groupMembers(child.pid ?? 0)).toEqual([]);
    expect(spawner.live.has(child)).toBe(false);
  });

  test("called several times at once ends once, and each call waits for the end", async () => {
    const child = spawner.spawn(program("ignores-sigterm.sh"));
    await firstLine(child.stdout);
    await Promise.all([child.stop(50), child.stop(), child.stop(50)]);
    expect(isRunning(child.pid ?? 0)).toBe(false);
  });

  test("takes a grandchild that ignores SIGTERM along", async () => {
    const child = spawner.spawn(program("leaves-a-grandchild.sh", "stay"));
    const grandchild = Number(await firstLine(child.stdout));
    expect(isRunning(grandchild)).toBe(true);
    await child.stop(100);
    expect(isRunning(grandchild)).toBe(false);
  });
});

describe("a grandchild", () => {
  test("does not outlive a leader that exits by itself, though it holds the leader's stdout", async () => {
    const child = spawner.spawn(program("leaves-a-grandchild.sh"));
    const grandchild = Number(await firstLine(child.stdout));
    expect(await child.exited).toEqual({ kind: "exited", code: 3 });
    expect(isRunning(grandchild)).toBe(false);
  });

  test("does not outlive a leader that is killed", async () => {
    const child = spawner.spawn(program("leaves-a-grandchild.sh", "stay"));
    const grandchild = Number(await firstLine(child.stdout));
    process.kill(child.pid ?? 0, "SIGKILL");
    expect(await child.exited).toEqual({ kind: "signalled", signal: "SIGKILL" });
    expect(isRunning(grandchild)).toBe(false);
  });
});

describe("what has moved to a session of its own", () => {
  test("does not outlive a child that is stopped, nor one that exits by itself", async () => {
    const stopped = spawner.spawn(program("leaves-an-escapee.sh", "stay"));
    const first = Number(await firstLine(stopped.stdout));
    expect(groupMembers(stopped.pid ?? 0)).not.toContain(first);
    await stopped.stop(100);
    await eventually(() => !isRunning(first), "the escapee of the stopped child is gone");

    const exits = spawner.spawn(program("leaves-an-escapee.sh"));
    const second = Number(await firstLine(exits.stdout));
    expect(await exits.exited).toEqual({ kind: "exited", code: 3 });
    await eventually(() => !isRunning(second), "the escapee of the child that left is gone");
  });

  test("is left alone when it is another child's", async () => {
    const other = spawner.spawn(program("leaves-an-escapee.sh", "stay"));
    const escapee = Number(await firstLine(other.stdout));
    await spawner.spawn(program("exits-at-once.sh", "0")).exited;
    expect(isRunning(escapee)).toBe(true);
    await other.stop(100);
  });
});

describe("stopAll()", () => {
  test("ends every child and the guard, those that could not start included", async () => {
    const own = new ProcessSpawner({ logger: silent });
    const children = [
      own.spawn(program("ignores-sigterm.sh")),
      own.spawn(program("idles.sh")),
      own.spawn(program("leaves-a-grandchild.sh", "stay")),
      own.spawn(program("no-such-program")),
    ];
    expect(own.live.size).toBe(4);
    const grandchild = Number(await firstLine(children[2]?.stdout ?? process.stdin));
    await own.stopAll(100);
    expect(own.live.size).toBe(0);
    expect(children.every((child) => child.exit !== null)).toBe(true);
    await eventually(() => !isRunning(grandchild), "the grandchild is gone");
    await own.stopAll(); // once more is harmless
  });

  test("nothing is started after it: whoever goes on finds a program that could not be", async () => {
    const own = new ProcessSpawner({ logger: silent });
    await own.stopAll();
    const child = own.spawn(program("idles.sh"));
    const run = await runBounded(child, { timeoutMs: 60_000, tailBytes: 100, input: "input" });
    expect(run).toMatchObject({ exit: { kind: "not_started", detail: "kartad is stopping" }, output: "" });
    expect(own.live.size).toBe(0);
  });
});
