/**
 * Nothing outlives its owner: the real Claude Code with MCP servers that ignore SIGTERM and leave grandchildren, counted
 * as real processes over every way in which a session, an agent or kartad can end.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createSession, frames, openTurn, request, send, type Received } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

/** An MCP server that never answers, will not go by itself, and has started another such process behind its back. */
const STUBBORN = "trap '' TERM HUP INT; (trap '' TERM HUP INT; exec sleep 1001) & sleep 1002; exit 0";
const FILES = {
  "CLAUDE.md": "# Beans\n",
  "offline.toml": `[[reply]]\nwhen = "slowly"\ntext = "${"word ".repeat(40)}"\ntokens_per_second = 4\n`,
  ".mcp.json": JSON.stringify({ mcpServers: { stubborn: { command: "/bin/sh", args: ["-c", STUBBORN] } } }),
};

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
  for (const [name, pool] of Object.entries({
    bot: "spares = 0",
    brief: "spares = 0\nidle_timeout_seconds = 0.2",
  })) {
    const folder = home.project(name, { ...FILES, "karta.toml": `[pool]\n${pool}\n` });
    await home.operator.addProject(folder, name);
  }
});
afterAll(() => home.remove());

const ofAgents = () => processesWith(home.folder).filter(({ pid }) => pid !== kartad.pid);
const leaders = () => ofAgents().filter(({ command }) => command.includes("/claude"));
const servers = () => ofAgents().filter(({ command }) => /^sleep 100[12]$/.test(command));

/** A session whose agent works on a turn and has its MCP server up. */
async function inTheMiddleOfATurn(): Promise<{ id: string; rest: AsyncGenerator<Received> }> {
  const { id } = await createSession(kartad.url, { project: "bot" });
  const rest = frames(await openTurn(kartad.url, id, "slowly"));
  for await (const { event } of rest) if (event.type === "text") break;
  await eventually(() => servers().length === 2, "the MCP server and its child run");
  expect(leaders().length).toBeGreaterThan(0);
  return { id, rest };
}

describe("an agent's MCP servers are gone", () => {
  test("when its session is deleted", async () => {
    const { id } = await inTheMiddleOfATurn();
    expect((await request(kartad.url, "DELETE", `/v1/sessions/${id}`)).status).toBe(204);
    expect(ofAgents()).toEqual([]);
  });

  test("when its process idles for too long; the session goes on with a new one", async () => {
    const { id } = await createSession(kartad.url, { project: "brief" });
    await send(kartad.url, id, "hello");
    await eventually(() => ofAgents().length === 0, "the idle process and its servers are gone");
    expect(await send(kartad.url, id, "again")).toMatchObject({ status: "completed" });
    await eventually(() => ofAgents().length === 0, "so is the second");
  });

  test("when the agent is killed in a turn; the session goes on with a new one", async () => {
    const { id } = await inTheMiddleOfATurn();
    for (const { pid } of leaders()) process.kill(pid, "SIGKILL");
    await eventually(() => ofAgents().length === 0, "nothing of the agent is left");
    expect(await send(kartad.url, id, "and now?")).toMatchObject({ status: "completed" });
    await request(kartad.url, "DELETE", `/v1/sessions/${id}`);
  });

  test("when kartad is killed by SIGKILL in a turn", async () => {
    await inTheMiddleOfATurn();
    await kartad.kill();
    await eventually(() => ofAgents().length === 0, "the guard has ended every group");
  });

  test("when kartad is stopped by SIGTERM", async () => {
    kartad = await home.start();
    await inTheMiddleOfATurn();
    await kartad.stop();
    await eventually(() => ofAgents().length === 0, "kartad and its guard have ended all of them");
  });
});
