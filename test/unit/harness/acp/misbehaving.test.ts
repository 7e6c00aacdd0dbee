/** Agents that do what no agent should: each costs its own turn, never kartad, and leaves no process. */
import { describe, expect, jest, test } from "@jest/globals";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { AgentProcess, PermissionDecision, TurnEnd } from "../../../../daemon/harness/harness.ts";
import { acpBench, acpCommand, turnOf, type AcpBench } from "../../../support/acp.ts";
import { eventually } from "../../../support/processes.ts";
import { folderWith, spawnerForTests } from "../../apps/temp-project.ts";

jest.setTimeout(30_000);

const spawner = spawnerForTests();
const folder = await folderWith({ "inside.txt": "one\ntwo\nthree\n", "deep/er/file.txt": "deep" });
const outside = await folderWith({ "secret.txt": "a secret" });
symlinkSync(path.join(outside, "secret.txt"), path.join(folder, "link.txt"));
symlinkSync(outside, path.join(folder, "linked"));
symlinkSync(path.join(outside, "new.txt"), path.join(folder, "dangling.txt"));
const bench = acpBench(spawner, folder, { readyTimeoutMs: 5000 });

const startOne = (misdeed: string): Promise<AgentProcess> =>
  bench.start(acpCommand("misbehaving-agent.ts", misdeed));

function crash(words: RegExp): ReturnType<typeof expect.objectContaining> {
  return expect.objectContaining({
    kind: "failed",
    code: "harness_crashed",
    retryable: true,
    message: expect.stringMatching(words),
  });
}

describe("what an agent prints", () => {
  test.each([
    ["prints-garbage", /no JSON: "Segmentation fault/],
    ["prints-json-that-is-no-message", /JSON that is no message/],
    ["floods-one-line", /a line of more than 8388608 bytes/],
    ["floods-updates", /more than any turn has to say/],
  ])("%s: the turn ends as crashed, and the process is gone", async (misdeed, words) => {
    const agent = await startOne(misdeed);
    const { end } = await turnOf(agent, "go");
    expect(end).toEqual(crash(words));
    expect(agent.process.exit).not.toBeNull();
    expect(await turnOf(agent, "again")).toMatchObject({ end: { code: "harness_crashed" } });
    await agent.stop();
  });

  test("an answer to nothing is passed over", async () => {
    const agent = await startOne("answers-nobody");
    expect(await turnOf(agent, "go")).toMatchObject({ end: { kind: "completed" }, text: "done" });
    await agent.stop();
  });
});

describe("a start that cannot be", () => {
  test.each([
    ["prints-a-banner", /no JSON: "Welcome to the agent!"/],
    ["speaks-another-version", /version 99 of the protocol/],
    ["needs-a-key", /Authentication required/],
  ])("%s: says why, and leaves no process", async (misdeed, words) => {
    await expect(startOne(misdeed)).rejects.toMatchObject({
      code: "harness_unavailable",
      message: expect.stringMatching(words),
    });
    expect(spawner.live.size).toBe(0);
  });

  test("never answers the handshake: given up after its time", async () => {
    const hasty = acpBench(spawner, folder, { readyTimeoutMs: 300 });
    await expect(hasty.start(acpCommand("misbehaving-agent.ts", "never-answers"))).rejects.toMatchObject({
      code: "harness_unavailable",
    });
    expect(spawner.live.size).toBe(0);
  });

  test("is given up when nobody wants it any more", async () => {
    const wanted = new AbortController();
    const starting = bench.start(
      acpCommand("misbehaving-agent.ts", "never-answers"),
      {},
      { kind: "new" },
      wanted.signal,
    );
    setTimeout(() => wanted.abort(), 50);
    await expect(starting).rejects.toMatchObject({ code: "harness_unavailable" });
    expect(spawner.live.size).toBe(0);
  });

  test("is given up too in the choice of its agent; its conversation is closed, and its mates stay", async () => {
    const command = acpCommand("misbehaving-agent.ts", "never-chooses");
    const mate = await bench.start(command);
    const wanted = new AbortController();
    const starting = bench.start(command, { agent: "other" }, { kind: "new" }, wanted.signal);
    await eventually(() => existsSync(path.join(folder, "asked-to-choose")), "it was asked");
    wanted.abort();
    await expect(starting).rejects.toMatchObject({ code: "harness_unavailable" });
    await eventually(() => existsSync(path.join(folder, "closed-s2")), "it was closed");
    expect(mate.isOpen).toBe(true);
    await mate.stop();
    expect(spawner.live.size).toBe(0);
  });

  test("names a program that is not there", async () => {
    await expect(bench.start(["no-such-agent"])).rejects.toMatchObject({
      code: "harness_unavailable",
      message: expect.stringMatching(/needs the program no-such-agent/),
    });
  });
});

describe("requests for files", () => {
  test.each([
    ["/etc/passwd", /leads outside/],
    ["../../x", /leads outside/],
    ["link.txt", /leads outside/],
    ["linked/secret.txt", /leads outside/],
    ["dangling.txt", /a link to something that does not exist/],
    ["inside.txt/x", /cannot be reached/],
    ["deep", /not a regular file|cannot be used/],
    ["nothing.txt", /not found/i],
    ["/dev/zero", /leads outside/],
  ])("%s is not read", async (file, words) => {
    const agent = await startOne("reads");
    const { text, end } = await turnOf(agent, file);
    expect(end.kind).toBe("completed");
    expect(text).toMatch(words);
    expect(text).not.toContain("secret\\n");
    await agent.stop();
  });

  test.each([
    "../escaped.txt",
    "link.txt",
    "linked/new.txt",
    "linked/made/new.txt",
    "dangling.txt",
    "/tmp/karta-owned.txt",
  ])("%s is not written", async (file) => {
    const agent = await startOne("writes");
    expect((await turnOf(agent, file)).text).toMatch(/leads outside|does not exist/);
    expect(existsSync(path.resolve(folder, "../escaped.txt"))).toBe(false);
    expect(existsSync(path.join(outside, "new.txt"))).toBe(false);
    expect(existsSync(path.join(outside, "made"))).toBe(false);
    expect(existsSync("/tmp/karta-owned.txt")).toBe(false);
    expect(readFileSync(path.join(outside, "secret.txt"), "utf8")).toBe("a secret");
    await agent.stop();
  });

  test("those in the folder are read and written, by either kind of path", async () => {
    const reader = await startOne("reads");
    expect((await turnOf(reader, "inside.txt")).text).toContain("one\\ntwo\\nthree");
    expect((await turnOf(reader, path.join(folder, "deep/er/file.txt"))).text).toContain("deep");
    await reader.stop();
    const writer = await startOne("writes");
    expect((await turnOf(writer, "made/by/agent.txt")).text).toContain("result");
    expect(readFileSync(path.join(folder, "made/by/agent.txt"), "utf8")).toBe("owned");
    await writer.stop();
  });

  test("a terminal is declined", async () => {
    const agent = await startOne("wants-a-terminal");
    expect((await turnOf(agent, "touched")).text).toContain("-32601");
    expect(existsSync(path.join(folder, "touched"))).toBe(false);
    await agent.stop();
  });
});

describe("permissions", () => {
  test("that waits when its agent dies is withdrawn", async () => {
    const agent = await startOne("asks-and-dies");
    let withdrawn = false;
    const { end } = await turnOf(
      agent,
      "go",
      ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            withdrawn = true;
            resolve({ kind: "deny", message: "gone" });
          }),
        ),
    );
    expect(end).toEqual(crash(/exited with code 3/));
    expect(withdrawn).toBe(true);
    await agent.stop();
  });

  test("are asked 32 at a time: more are refused at once", async () => {
    const agent = await startOne("asks-without-end");
    let open = 0;
    let most = 0;
    const { text } = await turnOf(agent, "go", async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 100));
      open -= 1;
      return { kind: "allow", scope: "once", answers: null };
    });
    expect(most).toBe(32);
    expect(Number(text)).toBe(200 - 32);
    await agent.stop();
  });
});

describe("a turn that goes on after its cancel, when its hold is given up", () => {
  const CANCELLED = expect.objectContaining({ kind: "cancelled" });

  /** A turn that has begun to speak and was then cancelled. */
  async function cancelled(agent: AgentProcess): Promise<{ readonly end: Promise<TurnEnd> }> {
    const begun = Promise.withResolvers<undefined>();
    const end = agent.run({
      messageId: "msg_test",
      text: "go",
      images: [],
      emit: () => begun.resolve(undefined),
      decide: () => Promise.reject(new Error("nobody is to be asked")),
      callTool: () => Promise.reject(new Error("no tool is to be called")),
    });
    await begun.promise;
    await agent.cancel();
    return { end };
  }

  /** Two conversations on one process: the one's turn will not end, the other's ends when `finish` is called. */
  async function twoOnOne(with_: AcpBench = bench) {
    const start = () => with_.start(acpCommand("misbehaving-agent.ts", "ignores-cancel"));
    const [stuck, mate] = await Promise.all([start(), start()]);
    expect(mate.process).toBe(stuck.process);
    const asked = Promise.withResolvers<undefined>();
    const gate = Promise.withResolvers<PermissionDecision>();
    const mates = turnOf(mate, "work until told", () => {
      asked.resolve(undefined);
      return gate.promise;
    });
    await asked.promise;
    const running = await cancelled(stuck);
    const finish = (): void => gate.resolve({ kind: "allow", scope: "once", answers: null });
    return { stuck, mate, running, mates, finish };
  }

  test("alone on its process, costs it at once", async () => {
    const agent = await startOne("ignores-cancel");
    const running = await cancelled(agent);
    await agent.stop();
    expect(await running.end).toEqual(CANCELLED);
    expect(agent.process.exit).not.toBeNull();
    expect(spawner.live.size).toBe(0);
  });

  test("is over at once for whoever waits; its mates' turns end well, and then the process goes", async () => {
    const { stuck, mate, running, mates, finish } = await twoOnOne();
    const stopped = stuck.stop();
    expect(await running.end).toEqual(CANCELLED);
    expect(stuck.process.exit).toBeNull();
    finish();
    expect(await mates).toMatchObject({ end: { kind: "completed" }, text: "done" });
    await stopped;
    expect(stuck.process.exit).not.toBeNull();
    await mate.stop();
    expect(spawner.live.size).toBe(0);
  });

  test("takes no mates' further turns meanwhile: they and new ones start elsewhere", async () => {
    const { stuck, mate, mates, finish } = await twoOnOne();
    const stopped = stuck.stop();
    await eventually(() => !mate.isOpen, "the process is given up");
    const next = await startOne("ignores-cancel");
    expect(next.process).not.toBe(mate.process);
    expect(next.isOpen).toBe(true);
    finish();
    expect(await mates).toMatchObject({ end: { kind: "completed" }, text: "done" });
    await Promise.all([stopped, mate.stop()]);
    await next.stop();
  });

  test("waits for mates that do not end either only so long; they are told whose fault it was", async () => {
    const hasty = acpBench(spawner, folder, { matesGraceMs: 100 });
    const { stuck, mate, mates } = await twoOnOne(hasty);
    await stuck.stop();
    expect(await mates).toMatchObject({
      end: crash(/another session's turn on the same process did not end when it was cancelled/),
    });
    await mate.stop();
    expect(spawner.live.size).toBe(0);
  });

  test("costs nobody anything where the agent ends it with the conversation", async () => {
    const start = () => bench.start(acpCommand("misbehaving-agent.ts", "heeds-close"));
    const [stuck, mate] = await Promise.all([start(), start()]);
    const running = await cancelled(stuck);
    await stuck.stop();
    expect(await running.end).toEqual(CANCELLED);
    expect(stuck.process.exit).toBeNull();
    expect(mate.isOpen).toBe(true);
    await mate.stop();
  });
});
