/** A conversation read back from its agent, which tells it again: wherever it is, and whatever it is doing. */
import { describe, expect, jest, test } from "@jest/globals";
import { AgentConnection } from "../../../../daemon/harness/acp/connection.ts";
import { TranscriptReader } from "../../../../daemon/harness/acp/transcript-reader.ts";
import type { AgentProcess, PermissionDecision } from "../../../../daemon/harness/harness.ts";
import { acpCommand, turnOf } from "../../../support/acp.ts";
import { launchSpec } from "../../../support/sessions.ts";
import { smallAgents } from "../../../support/small-agents.ts";
import { silent } from "../../apps/temp-project.ts";

jest.setTimeout(30_000);

const { spawner, folder, bench, start } = await smallAgents();

describe("what was said is read back", () => {
  const launch = () =>
    Promise.resolve(launchSpec({ cwd: folder, home: folder, command: acpCommand("small-agent.ts") }));
  const read = (threadId: string) => bench.harness.transcript({ project: "bot", threadId, launch });
  const yes = () => Promise.resolve({ kind: "allow", scope: "once", answers: null } as const);

  /** A conversation with a tool, a slash, and an answer without words. */
  async function spoken(): Promise<AgentProcess> {
    const agent = await start();
    await turnOf(agent, "write one", yes);
    await turnOf(agent, "/clear");
    return agent;
  }

  const SAID = [
    { role: "user", id: expect.stringMatching(/^msg_[0-9a-f]{32}$/), text: "write one" },
    {
      role: "assistant",
      said: [
        { type: "tool_use", name: "Write", input: { file_path: "one.txt" } },
        { type: "tool_result", content: "wrote one.txt" },
        { type: "text", text: "The tool said: wrote one.txt" },
      ],
    },
    { role: "user", text: "/clear" },
    { role: "assistant", said: [{ type: "text", text: expect.stringMatching(/^ok: \u200b?\/clear$/) }] },
  ];

  test("on the process that has it, which goes on as before, its agent and all", async () => {
    const agent = await spoken();
    expect(await read(agent.threadId)).toMatchObject({ kind: "read", entries: SAID });
    expect(spawner.live.size).toBe(1);
    expect((await turnOf(agent, "first")).text).toBe("You first said: write one");
    await agent.stop();
    const terse = await start({ agent: "terse" });
    await turnOf(terse, "hello");
    await read(terse.threadId);
    expect((await turnOf(terse, "hello")).text).toBe("(terse) ok: hello");
    await terse.stop();
  });

  test("by another process when none has it; with the same ids each time, however many ask at once", async () => {
    const agent = await spoken();
    await agent.stop();
    const [first, second] = await Promise.all([read(agent.threadId), read(agent.threadId)]);
    expect(first).toMatchObject({ kind: "read", entries: SAID });
    expect(second).toEqual(first);
    expect(await read(agent.threadId)).toEqual(first);
    expect(spawner.live.size).toBe(1); // kept for a next page
    const again = await start({}, { kind: "resume", threadId: agent.threadId });
    expect((await turnOf(again, "first")).text).toBe("You first said: write one");
    expect(await read(agent.threadId)).toMatchObject({ kind: "read", entries: [...SAID, {}, {}] });
    await again.stop();
  });

  test("in the middle of a turn, by a process of its own; the turn's words do not mix with the old ones", async () => {
    const agent = await spoken();
    const asked = Promise.withResolvers<undefined>();
    const gate = Promise.withResolvers<PermissionDecision>();
    const running = turnOf(agent, "write two", () => {
      asked.resolve(undefined);
      return gate.promise;
    });
    await asked.promise;
    expect(await read(agent.threadId)).toMatchObject({ kind: "read", entries: SAID });
    gate.resolve({ kind: "allow", scope: "once", answers: null });
    expect((await running).text).toBe("The tool said: wrote two.txt");
    await agent.stop();
  });

  test("a turn that begins meanwhile waits, and says its own words alone", async () => {
    const agent = await spoken();
    const asked = Promise.withResolvers<undefined>();
    const reading = bench.harness.transcript({
      project: "bot",
      threadId: agent.threadId,
      launch: () => {
        asked.resolve(undefined);
        return launch();
      },
    });
    await asked.promise;
    await new Promise((resolve) => setImmediate(resolve)); // the agent is being asked
    expect((await turnOf(agent, "hello")).text).toBe("ok: hello");
    expect(await reading).toMatchObject({ kind: "read", entries: SAID });
    await agent.stop();
  });

  test("an agent that tells without end is given up; nothing else is read or taken up on its process", async () => {
    const [command = "", ...args] = acpCommand("misbehaving-agent.ts", "tells-without-end");
    const process = spawner.spawn({ purpose: "harness", command, args, cwd: folder, env: {} });
    const connection = new AgentConnection({ process, cwd: folder, logger: silent });
    await connection.initialize(AbortSignal.timeout(20_000));
    const fate: string[] = [];
    const reader = new TranscriptReader({
      title: "the agent",
      authMethod: null,
      held: () => null,
      acquire: () =>
        Promise.resolve({
          connection,
          retire: () => void fate.push("retired"),
          isAlone: () => true,
          release: () => Promise.resolve(void fate.push("given back")),
        }),
      timeoutMs: 200,
      logger: silent,
    });
    expect(await reader.read({ project: "bot", threadId: "s1", launch })).toMatchObject({
      kind: "unreadable",
      detail: expect.stringMatching(/did not answer in time/),
    });
    expect(fate).toEqual(["retired", "given back"]);
    await connection.stop(0);
  });

  test("what is not there is told as such; what cannot be told, with the reason", async () => {
    expect(await read("no-such")).toMatchObject({ kind: "none" });
    const command = acpCommand("misbehaving-agent.ts", "dies"); // it offers no session/load
    const untold = { project: "bot", threadId: "s1", launch: async () => ({ ...(await launch()), command }) };
    expect(await bench.harness.transcript(untold)).toMatchObject({
      kind: "unreadable",
      detail: expect.stringMatching(/does not offer session\/load/),
    });
    const gone = { ...untold, launch: async () => ({ ...(await launch()), command: ["no-such-agent"] }) };
    expect(await bench.harness.transcript(gone)).toMatchObject({
      kind: "unreadable",
      detail: expect.stringMatching(/needs the program no-such-agent/),
    });
  });
});
