/** The app's own tools in an ACP agent's hands. */
import { describe, expect, jest, test } from "@jest/globals";
import type { AgentProcess, PermissionRequest } from "../../../../daemon/harness/harness.ts";
import { acpCommand, turnOf } from "../../../support/acp.ts";
import { smallAgents } from "../../../support/small-agents.ts";

jest.setTimeout(30_000);

const { bench } = await smallAgents();

describe("the app's own tools", () => {
  const tools = [
    {
      name: "look_up",
      description: "Looks up",
      inputSchema: { type: "object", properties: { id: { type: "string" } } },
      timeoutSeconds: 60,
    },
  ];
  const noQuestions = () => Promise.reject(new Error("nobody is to be asked"));

  test.each([
    ["over HTTP", ["http"], ["look_up"]],
    ["by a relay over stdio", [], ["mcp__karta__look_up"]],
  ])("%s: each call is its own turn's, on a process that both share", async (_, args, allowedTools) => {
    const begin = () => bench.start(acpCommand("small-agent.ts", ...args), { tools, allowedTools });
    const [one, other] = await Promise.all([begin(), begin()]);
    expect(one.process).toBe(other.process);
    const called = (agent: AgentProcess, id: string) =>
      turnOf(agent, `look up ${id}`, noQuestions, [], ({ name, input }) =>
        Promise.resolve({ isError: false, content: `${name} ${JSON.stringify(input)} for ${id}` }),
      );
    const said = await Promise.all([called(one, "a"), called(other, "b")]);
    expect(said.map(({ text }) => text)).toEqual(
      ["a", "b"].map((id) => `The tool said: look_up {"id":"${id}"} for ${id}`),
    );
    await Promise.all([one.stop(), other.stop()]);
  });

  test("are asked for, and refused by their plain name", async () => {
    const asked = await bench.start(acpCommand("small-agent.ts", "http"), { tools });
    const questions: PermissionRequest[] = [];
    const { text } = await turnOf(asked, "look up a", (request) => {
      questions.push(request);
      return Promise.resolve({ kind: "deny", message: "no" });
    });
    expect(text).toBe("The tool said: the user said no");
    expect(questions).toMatchObject([{ tool: "mcp__karta__look_up", input: { id: "a" } }]);
    await asked.stop();
    const refused = await bench.start(acpCommand("small-agent.ts", "http"), {
      tools,
      disallowedTools: ["Look_Up"],
    });
    expect((await turnOf(refused, "look up a", noQuestions)).text).toBe("The tool said: the user said no");
    await refused.stop();
  });

  test("are called no more when the turn is cancelled", async () => {
    const agent = await bench.start(acpCommand("small-agent.ts", "http"), {
      tools,
      allowedTools: ["look_up"],
    });
    const begun = Promise.withResolvers<AbortSignal>();
    const running = turnOf(agent, "look up a", noQuestions, [], ({ signal }) => {
      begun.resolve(signal);
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve({ isError: true, content: "given up" })),
      );
    });
    const signal = await begun.promise;
    await agent.cancel();
    expect((await running).end.kind).toBe("cancelled");
    expect(signal.aborted).toBe(true);
    await agent.stop();
  });
});
