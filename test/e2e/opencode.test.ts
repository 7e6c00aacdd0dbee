/** What is OpenCode's own, behind the real kartad: its agents, its rules, the project's MCP servers, its errors, its one process. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, request, send, storedEvents, stream } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { ROWS } from "./support/conformance.ts";

jest.setTimeout(45_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "find order (\\\\d+)"
tool = { name = "orders_find_order", input = { number = "$1" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "list them"
tool = { name = "bash", input = { command = "echo listed", description = "lists" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "^open (?<it>.+)"
tool = { name = "read", input = { filePath = "$<it>" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "^run (?<it>.+)"
tool = { name = "bash", input = { command = "$<it>", description = "runs" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "^put (?<it>.+)"
tool = { name = "write", input = { filePath = "$<it>", content = "written" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "search"
tool = { name = "glob", input = { pattern = "*" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "overload"
error = { status = 529, type = "overloaded_error", message = "Overloaded" }
[[reply]]
when = "bad key"
error = { status = 401, type = "authentication_error", message = "invalid x-api-key" }
[[reply]]
when = "think"
thinking = "Let me see."
text = "Seen."
[default]
text = "ok: {{last_user}}"
`;

const server = path.join(packageRoot(), "test/fixtures/acp/orders-mcp-server.ts");
const files = {
  "AGENTS.md": "# Bot\n",
  "opencode.json": JSON.stringify({ permission: { bash: "allow", external_directory: "allow" } }),
  ".opencode/agent/billing.md": "---\ndescription: bills\nmode: primary\n---\nYou bill.\n",
  ".opencode/agent/clerk.md": "---\ndescription: files\nmode: subagent\n---\nYou file.\n",
  ".mcp.json": JSON.stringify({
    mcpServers: { orders: { command: process.execPath, args: [server], env: { SHOP: "${SHOP}" } } },
  }),
  ".env": "SHOP=Beans\n",
  "karta.toml": '[harness]\ndisallowed_tools = ["Glob"]\n[env]\nSHOP = { required = true }\n',
  "offline.toml": SCRIPT,
};

const missing = ROWS.find(({ name }) => name === "opencode")?.missing ?? null;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

(missing === null ? describe : describe.skip)("OpenCode", () => {
  let home: TestHome;
  let kartad: Kartad;
  let folder: string;
  let id: string;
  let neighbour: string;

  beforeAll(async () => {
    home = makeHome();
    folder = home.project("bot", files);
    kartad = await home.start();
    await home.operator.addProject(folder, "bot");
    ({ id } = await createSession(kartad.url));
    // Its process stays while the other session goes from agent to agent: a start of OpenCode is five seconds.
    ({ id: neighbour } = await createSession(kartad.url));
    await send(kartad.url, neighbour, "hello");
  });
  afterAll(() => home.remove());

  test("its tools are kept from kartad's state, in every mode and also where the project allows them", async () => {
    mkdirSync(path.join(home.state, "keys"), { recursive: true });
    writeFileSync(path.join(home.state, "keys", "planted"), "swordfish");
    const free = (await createSession(kartad.url, { permission_mode: "autonomous" })).id;
    for (const line of [
      `open ${home.state}/keys/planted`,
      `open ../state/keys/planted`,
      `run cat ${home.state}/keys/planted`,
      `run curl -s --unix-socket ${home.socket} http://karta/v1/status`,
      `put ${home.state}/kartad.toml`,
    ])
      expect((await send(kartad.url, free, line)).text).toContain("prevents you from using this");
    expect(JSON.stringify(await storedEvents(kartad.url, free))).not.toMatch(/swordfish|started_at/);
    expect(existsSync(path.join(home.state, "kartad.toml"))).toBe(false);
    expect((await send(kartad.url, free, "run echo free")).text).toContain("free");
  });

  test("is named by the check, with its version and protocol", async () => {
    const { stdout } = await home.karta(["project", "check", folder]);
    expect(stdout).toMatch(/program +1\.\d+\.\d+ at \S+opencode\S*, ACP 1/);
  });

  test("is handed the project's MCP servers; their tools are asked for like any other", async () => {
    const paused = await send(kartad.url, id, "Find order 4711.");
    expect(paused).toMatchObject({
      status: "input_required",
      pending_input: { tool: "orders_find_order", tool_input: { number: "4711" } },
    });
    const place = `/v1/sessions/${id}/inputs/${paused.pending_input?.request_id ?? ""}`;
    const answered = await request(kartad.url, "PUT", place, { decision: "approve_once" });
    expect(JSON.stringify(answered.body.events)).toContain("The tool said: order 4711 of Beans");
  });

  test("keeps to the project's rules: what opencode.json allows is not asked for, what karta.toml forbids is not done", async () => {
    const allowed = await send(kartad.url, id, "List them.");
    expect(allowed).toMatchObject({ status: "completed", text: expect.stringContaining("listed") });
    const forbidden = await send(kartad.url, id, "Search.");
    expect(forbidden.text).toContain("unavailable tool");
  });

  test("takes an agent by its mode; one that it does not offer is refused with those that it does", async () => {
    expect(await send(kartad.url, id, "hello", { agent: "billing" })).toMatchObject({
      agent: "billing",
      text: "ok: hello",
    });
    expect(await send(kartad.url, id, "hello", { agent: "plan" })).toMatchObject({
      agent: "plan",
      text: "ok: hello",
    });
    // The clerk is a subagent: only other agents call it.
    for (const agent of ["clerk", "nobody"]) {
      const place = `/v1/sessions/${id}/messages`;
      const refused = await request(kartad.url, "POST", place, { text: "hello", agent });
      expect(refused).toMatchObject({ status: 422, body: { error: "unknown_agent" } });
      expect(refused.body.known).toEqual(expect.arrayContaining(["default", "billing", "build", "plan"]));
      expect(refused.body.known).not.toContain(agent);
    }
    expect(await send(kartad.url, id, "hello", { agent: "default" })).toMatchObject({ text: "ok: hello" });
  });

  test("takes what a user writes for text: a slash reaches none of its commands", async () => {
    expect((await send(kartad.url, id, "/clear")).text).toMatch(/^ok: \u200b?\/clear$/);
  });

  test("thinks aloud only when asked to", async () => {
    const silent = await stream(kartad.url, id, "think");
    expect(silent.some(({ event }) => event.type === "reasoning")).toBe(false);
    const aloud = await stream(kartad.url, id, "think", { thinking: true });
    expect(aloud.some(({ event }) => event.type === "reasoning")).toBe(true);
  });

  test("tells a model's error as one, with its own code", async () => {
    const overloaded = await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "overload" });
    expect(overloaded).toMatchObject({ status: 502, body: { error: "model_error", detail: "Overloaded" } });
    const refused = await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "bad key" });
    expect(refused).toMatchObject({ status: 502, body: { error: "model_auth" } });
    expect((await send(kartad.url, id, "and now?")).text).toBe("ok: and now?");
  });

  test("holds several sessions in one process, and nothing of Karta's is in the folder", async () => {
    const status = await home.operator.status();
    const held = status.processes.filter(({ session_id }) => session_id === id || session_id === neighbour);
    expect(held.length).toBe(2);
    expect(new Set(held.map(({ pid }) => pid)).size).toBe(1);
    // OpenCode itself keeps its .opencode out of git.
    expect(readdirSync(folder).sort()).toEqual(
      [".env", ".mcp.json", ".opencode", "AGENTS.md", "karta.toml", "offline.toml", "opencode.json"].sort(),
    );
    expect(readdirSync(path.join(folder, ".opencode")).sort()).toEqual([".gitignore", "agent"]);
  });
});
