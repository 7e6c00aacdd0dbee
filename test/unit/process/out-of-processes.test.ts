/** A system that gives kartad no more processes: the bound is a real one, set from outside while it runs. */
import { afterEach, expect, jest, test } from "@jest/globals";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { z } from "zod";
import { agentProgram, guardsOf, isRunning } from "../../support/groups.ts";
import { eventually } from "../../support/processes.ts";

jest.setTimeout(30_000);

const UserSchema = z.object({ uid: z.int() });
const StartedSchema = z.object({ pid: z.int() });

const child = execa(process.execPath, [agentProgram("starts-on-demand.ts")], { reject: false });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
const ask = (what: string): Promise<unknown> => {
  child.stdin.write(`${what}\n`);
  return next();
};
/** @param most processes and threads of the child's user; the child itself has more than one already */
const allow = (most: string, user: object) =>
  execa("prlimit", ["--pid", String(child.pid), `--nproc=${most}:`], user);

afterEach(() => void child.kill("SIGKILL"));

test("EAGAIN is told as a start that failed, nothing is left over, and the next start works again", async () => {
  const { uid } = UserSchema.parse(await next());
  const user = uid === process.getuid?.() ? {} : { uid, gid: uid }; // a bound is set by the user it is for
  const before = await ask("spawn");
  expect(before).toMatchObject({ kind: "started" });

  await allow("1", user);
  for (let n = 0; n < 3; n += 1)
    expect(await ask("spawn")).toMatchObject({ kind: "not_started", code: "EAGAIN" });

  await allow("4096", user);
  const after = await ask("spawn");
  expect(after).toMatchObject({ kind: "started" });
  expect(guardsOf(child.pid ?? 0)).toHaveLength(1);

  child.stdin.end("stop\n");
  await child;
  for (const started of [before, after]) {
    const { pid } = StartedSchema.parse(started);
    await eventually(() => !isRunning(pid), "no child is left");
  }
});
