/** The small agent on the SDK's agent side, with the offline model behind it: what a turn says, and a conversation's past. */
import { describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import type { PermissionRequest } from "../../../../daemon/harness/harness.ts";
import { acpBench, acpCommand, turnOf } from "../../../support/acp.ts";
import { smallAgents } from "../../../support/small-agents.ts";

const { spawner, folder, bench, start } = await smallAgents();

describe("a turn", () => {
  test("says the model's words, and what they cost", async () => {
    const agent = await start();
    const { text, end } = await turnOf(agent, "hello");
    expect(text).toBe("ok: hello");
    expect(end).toMatchObject({ kind: "completed", usage: { output_tokens: 3 } });
    expect(end.usage).not.toHaveProperty("cost_usd");
    await agent.stop();
  });

  test("tells a tool's use, asks, and tells its result; the file is there after a yes alone", async () => {
    const agent = await start();
    const asked: PermissionRequest[] = [];
    const yes = await turnOf(agent, "write one", (request) => {
      asked.push(request);
      return Promise.resolve({ kind: "allow", scope: "once", answers: null });
    });
    expect(asked).toMatchObject([
      { kind: "tool_use", tool: "Write", message: "Use Write?", input: { file_path: "one.txt" } },
    ]);
    expect(yes.events.filter(({ type }) => type.startsWith("tool"))).toMatchObject([
      { type: "tool_use", name: "Write", input: { file_path: "one.txt", content: "a note" } },
      { type: "tool_result", isError: false, content: "wrote one.txt" },
    ]);
    expect(yes.text).toBe("The tool said: wrote one.txt");
    expect(existsSync(path.join(folder, "one.txt"))).toBe(true);

    const no = await turnOf(agent, "write two");
    expect(no.text).toBe("The tool said: the user said no");
    expect(existsSync(path.join(folder, "two.txt"))).toBe(false);
    await agent.stop();
  });

  test("an approval for the session is Karta's own: the agent's mates on the same process are asked again", async () => {
    const [agent, mate] = await Promise.all([start(), start()]);
    expect(agent.process).toBe(mate.process);
    let asked = 0;
    const forSession = (): Promise<{ kind: "allow"; scope: "session"; answers: null }> => {
      asked += 1;
      return Promise.resolve({ kind: "allow", scope: "session", answers: null });
    };
    await turnOf(agent, "write three", forSession);
    await turnOf(agent, "write four", forSession);
    expect(asked).toBe(1);
    await turnOf(mate, "write five", forSession);
    expect(asked).toBe(2);
    await Promise.all([agent.stop(), mate.stop()]);
  });

  test.each([
    [{ allowedTools: ["write"] }, "wrote ruled.txt"],
    [{ disallowedTools: ["Write"] }, "the user said no"],
    [{ disallowedTools: ["edit"], allowedTools: ["Write"] }, "the user said no"],
    [{ permissionIntercept: false }, "the user said no"],
  ])("the project's rules %j answer by themselves", async (launch, said) => {
    const agent = await start(launch);
    const { text } = await turnOf(agent, "write ruled", () =>
      Promise.reject(new Error("nobody is to be asked")),
    );
    expect(text).toBe(`The tool said: ${said}`);
    await agent.stop();
  });

  test("a refused key is told as one, and is not tried again", async () => {
    const agent = await start();
    expect((await turnOf(agent, "refuse")).end).toMatchObject({
      kind: "failed",
      code: "model_auth",
      retryable: false,
    });
    expect((await turnOf(agent, "hello")).text).toBe("ok: hello");
    await agent.stop();
  });
});

describe("a conversation", () => {
  test("is taken up again by another process, and its old words are not said again", async () => {
    const before = await start();
    await turnOf(before, "My favourite is Midnight.");
    await before.stop();
    const after = await start({}, { kind: "resume", threadId: before.threadId });
    expect(after.process).not.toBe(before.process);
    expect(await turnOf(after, "What was first?")).toMatchObject({
      text: "You first said: My favourite is Midnight.",
    });
    await after.stop();
  });

  test("that the agent no longer has is told, never begun anew in silence", async () => {
    await expect(start({}, { kind: "resume", threadId: "no-such" })).rejects.toMatchObject({
      code: "harness_unavailable",
      message: expect.stringMatching(/could not take this conversation up again.*start a new session/),
    });
    expect(spawner.live.size).toBe(0);
  });

  test("is led by the mode that is asked for; a hand-off back is to the agent's own default", async () => {
    const terse = await start({ agent: "terse" });
    expect((await turnOf(terse, "hello")).text).toBe("(terse) ok: hello");
    expect(bench.harness.ownAgents("bot")).toEqual(["polite", "terse"]);
    await terse.stop();
    const back = await start({}, { kind: "resume", threadId: terse.threadId });
    expect((await turnOf(back, "hello")).text).toBe("ok: hello");
    await back.stop();
  });

  test.each([[{ agent: "nobody" }, /offers no agent "nobody"; it offers: polite, terse/]])(
    "%j is refused with what there is",
    async (launch, words) => {
      await expect(start(launch)).rejects.toMatchObject({
        code: "harness_unavailable",
        message: expect.stringMatching(words),
      });
      expect(spawner.live.size).toBe(0);
    },
  );

  test("with a model is refused by an agent that offers no choice of one", async () => {
    const online = acpBench(spawner, folder);
    await expect(online.start(acpCommand("small-agent.ts"), { model: "m" })).rejects.toMatchObject({
      message: expect.stringMatching(/offers no choice of model/),
    });
  });
});

test("what the program is, is asked once for each program as it stands", async () => {
  const asked = { command: acpCommand("small-agent.ts"), folder, sandbox: false };
  const found = await bench.harness.binary(asked);
  expect(found).toEqual({ kind: "found", path: process.execPath, version: "1.2.3", protocol: "ACP 1" });
  expect(await bench.harness.binary(asked)).toBe(found);
  expect(await bench.harness.binary({ command: ["no-such"], folder, sandbox: false })).toMatchObject({
    kind: "missing",
  });
  expect(await bench.harness.binary({ command: ["/bin/false"], folder, sandbox: false })).toMatchObject({
    kind: "missing",
    detail: expect.stringMatching(/false does not answer in the Agent Client Protocol: exited with code 1/),
  });
});
