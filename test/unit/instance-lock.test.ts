import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "@jest/globals";
import { agentProgram } from "../support/groups.ts";
import { folderWith } from "./apps/temp-project.ts";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Another kartad, as far as the lock is concerned. It is ready to take it. */
async function contender(folder: string) {
  const child = spawn(process.execPath, [agentProgram("holds-the-lock.ts"), folder], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH },
  });
  started.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async () => String((await lines.next()).value);
  await said(); // ready
  return {
    tries: () => {
      child.stdin.write("now\n");
      return said();
    },
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("the instance lock", () => {
  test("is one process's; another is refused, and gets it when the first is killed with SIGKILL", async () => {
    const folder = await folderWith();
    const [first, second, third] = await Promise.all([
      contender(folder),
      contender(folder),
      contender(folder),
    ]);
    expect(await first.tries()).toBe("held");
    expect(await second.tries()).toBe("refused");
    await first.kill();
    expect(await third.tries()).toBe("held");
  });

  test("goes to exactly one of those who try at the same moment", async () => {
    const folder = await folderWith();
    const contenders = await Promise.all(Array.from({ length: 4 }, () => contender(folder)));
    const said = await Promise.all(contenders.map((one) => one.tries()));
    expect(said.sort()).toEqual(["held", "refused", "refused", "refused"]);
  });

  test("of another folder is another lock", async () => {
    const [here, there] = await Promise.all([contender(await folderWith()), contender(await folderWith())]);
    expect(await here.tries()).toBe("held");
    expect(await there.tries()).toBe("held");
  });
});
