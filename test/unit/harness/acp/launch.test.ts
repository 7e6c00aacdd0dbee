/** What an ACP agent is started with: its program, its environment, its MCP servers, and the rules it is held to. */
import { describe, expect, test } from "@jest/globals";
import { chmodSync } from "node:fs";
import path from "node:path";
import { KeptPlaces } from "../../../../daemon/harness/kept-places.ts";
import { agentEnvironment, describeAccess } from "../../../../daemon/harness/acp/environment.ts";
import { offeredAgents } from "../../../../daemon/harness/acp/offered-agents.ts";
import { mcpServersFor } from "../../../../daemon/harness/acp/mcp-servers.ts";
import { permissionAnswer, PermissionRules } from "../../../../daemon/harness/acp/permission.ts";
import { PRESETS } from "../../../../daemon/harness/acp/presets.ts";
import { findProgram } from "../../../../daemon/harness/acp/program.ts";
import { launchSpec } from "../../../support/sessions.ts";
import { folderWith } from "../../apps/temp-project.ts";

const folder = await folderWith({
  "bin/dcode": "#!/bin/sh\n",
  "bin/deepagents-acp": "#!/bin/sh\n",
  "bin/goose": "no program",
  agent: "#!/bin/sh\n",
});
for (const name of ["bin/dcode", "bin/deepagents-acp", "agent"]) chmodSync(path.join(folder, name), 0o755);
const bin = path.join(folder, "bin");

describe("the program", () => {
  const find = (preset: keyof typeof PRESETS, command: string[] | null = null) =>
    findProgram({ preset: PRESETS[preset], command, cwd: folder, searchPath: `relative:${bin}` });

  test("is the first of the preset's that is there, with its arguments", () => {
    expect(find("deepagents")).toMatchObject({ program: { path: path.join(bin, "dcode"), args: ["--acp"] } });
  });

  test.each([
    ["goose", /the program goose.*install goose/],
    ["codex-cli", /codex-acp.*npm install -g @agentclientprotocol\/codex-acp/],
    ["gemini", /npm install -g @google\/gemini-cli/],
  ] as const)("of %s that is missing, or no program, is told with how to install it", (preset, words) => {
    expect(find(preset)).toMatchObject({ kind: "missing", detail: expect.stringMatching(words) });
  });

  test("that the project names is meant from its folder, or from the PATH", () => {
    expect(find("acp", ["./agent", "--acp"])).toMatchObject({
      program: { path: path.join(folder, "agent"), args: ["--acp"] },
    });
    expect(find("acp", ["dcode"])).toMatchObject({ program: { path: path.join(bin, "dcode") } });
    expect(find("acp", ["../agent"])).toMatchObject({ kind: "missing" });
  });
});

describe("the environment", () => {
  const daemonEnv = {
    PATH: "/bin",
    ANTHROPIC_API_KEY: "key",
    OPENAI_API_KEY: "other",
    AWS_SECRET_ACCESS_KEY: "aws",
    KARTA_HOME: "/x",
    HTTPS_PROXY: "http://proxy",
  };
  const launch = launchSpec({
    home: "/workspace/home",
    env: { ORDERS_URL: "http://orders", ANTHROPIC_BASE_URL: "http://thief", OPENCODE_CONFIG_CONTENT: "{}" },
    disallowedTools: ["WebFetch", "Write"],
    mcpServers: { orders: { command: "orders", args: ["${ORDERS_URL}"] }, web: { url: "https://x" } },
  });
  const of = (preset: keyof typeof PRESETS, offlineBaseUrl: string | null = null) =>
    agentEnvironment(launch, {
      preset: PRESETS[preset],
      daemonEnv,
      offlineBaseUrl,
      folder: path.join(folder, "karta"),
      tools: null,
      kept: new KeptPlaces({ sealed: ["/state/keys"], mixed: ["/state"] }),
    });

  test("has the preset's own variables of the daemon's, the app's names, and nothing else", async () => {
    expect(await of("codex-cli")).toEqual({
      NO_BROWSER: "1",
      INITIAL_AGENT_MODE: "read-only",
      PATH: "/bin",
      HOME: "/workspace/home",
      ORDERS_URL: "http://orders",
      OPENAI_API_KEY: "other",
      HTTPS_PROXY: "http://proxy",
    });
    expect(describeAccess(PRESETS["codex-cli"], daemonEnv)).toBe("OPENAI_API_KEY");
    expect(describeAccess(PRESETS.gemini, daemonEnv)).toBeNull();
  });

  test("of an agent that the project names itself has what the project binds, and no key of the daemon's", async () => {
    expect(await of("acp")).toMatchObject({ ANTHROPIC_BASE_URL: "http://thief" });
    expect(await of("acp")).not.toHaveProperty("ANTHROPIC_API_KEY");
  });

  test("leads Codex, which does not read it, to another address than OpenAI's", async () => {
    const preset = PRESETS["codex-cli"];
    const led = await agentEnvironment(launch, {
      preset,
      daemonEnv: { ...daemonEnv, OPENAI_BASE_URL: "https://gateway/v1" },
      offlineBaseUrl: null,
      folder,
      tools: null,
      kept: new KeptPlaces({ sealed: ["/state/keys"], mixed: ["/state"] }),
    });
    expect(JSON.parse(led.CODEX_CONFIG ?? "")).toMatchObject({
      model_providers: { karta: { base_url: "https://gateway/v1", env_key: "OPENAI_API_KEY" } },
    });
  });

  test.each(["opencode", "codex-cli", "goose", "deepagents", "acp"] as const)(
    "offline leads %s to the offline model and takes no key along",
    async (preset) => {
      const env = await of(preset, "http://127.0.0.1:1/p/bot");
      expect(JSON.stringify(env)).toContain("http://127.0.0.1:1/p/bot");
      expect(Object.values(env)).not.toContain("key");
      expect(JSON.stringify(env)).not.toContain("thief");
      expect(env).not.toHaveProperty("HTTPS_PROXY");
    },
  );

  test("gives OpenCode its configuration outside the project: defaults before the project's, what must hold after", async () => {
    const env = await of("opencode", "http://127.0.0.1:1/p/bot");
    expect(env.OPENCODE_CONFIG).toBe(path.join(folder, "karta", "bot.json"));
    expect(JSON.parse(env.OPENCODE_CONFIG_CONTENT ?? "")).toMatchObject({
      model: "offline/offline",
      enabled_providers: ["offline"],
      permission: { webfetch: "deny" },
      mcp: {
        orders: { type: "local", command: ["orders", "http://orders"], environment: {} },
        web: { type: "remote", url: "https://x", headers: {} },
      },
    });
  });
});

test("MCP servers are handed on in the protocol's form; what the agent cannot take is named", () => {
  expect(
    mcpServersFor(
      {
        orders: {
          command: "node",
          args: ["${ROOT}/server.js"],
          env: { TOKEN: "${TOKEN}", MODE: "${MODE:-dev}", X: "${UNSET}" },
        },
        web: { type: "http", url: "https://${HOST}/mcp", headers: { Authorization: "Bearer ${TOKEN}" } },
        old: { type: "sse", url: "https://x" },
        odd: { nothing: true },
      },
      { ROOT: "/r", TOKEN: "t", HOST: "h" },
      { http: true, sse: false },
    ),
  ).toEqual({
    servers: [
      {
        name: "orders",
        command: "node",
        args: ["/r/server.js"],
        env: [
          { name: "TOKEN", value: "t" },
          { name: "MODE", value: "dev" },
          { name: "X", value: "${UNSET}" },
        ],
      },
      {
        type: "http",
        name: "web",
        url: "https://h/mcp",
        headers: [{ name: "Authorization", value: "Bearer t" }],
      },
    ],
    leftOut: [
      { name: "old", why: "the agent takes no sse servers" },
      { name: "odd", why: "it has neither a command nor an url" },
    ],
  });
});

test("a mode that lets an agent do more without asking is no agent that a message may choose", () => {
  expect(offeredAgents(PRESETS.opencode.modes, ["build", "auto-biller"])).toEqual(["build", "auto-biller"]);
  expect(offeredAgents(PRESETS["codex-cli"].modes, ["read-only", "agent-full-access"])).toEqual([]);
  expect(offeredAgents(PRESETS.gemini.modes, ["default", "yolo"])).toEqual([]);
  expect(
    offeredAgents(PRESETS.acp.modes, [
      "polite",
      "bypassPermissions",
      "acceptEdits",
      "YOLO",
      "autoEdit",
      "plan",
    ]),
  ).toEqual(["polite", "plan"]);
});

describe("the rules", () => {
  const call = (name: string, kind: string, input: unknown = {}) => ({ id: "t", name, kind, input });
  const asked = (...paths: string[]) => ({
    toolCallId: "t",
    kind: "edit",
    locations: paths.map((place) => ({ path: place })),
  });
  const rulesOf = (more: object) => new PermissionRules(launchSpec({ cwd: "/srv/bot", ...more }));

  test("allow a tool in the folder; a step out of it is asked for all the same", () => {
    const rules = rulesOf({ allowedTools: ["Read"] });
    expect(rules.verdict(call("read", "read"), asked("/srv/bot/a.txt", "b.txt"))).toBe("allow");
    expect(rules.verdict(call("read", "read"), asked("/etc/passwd"))).toBe("ask");
    expect(rules.verdict(call("read", "read"), asked("/srv/bot2/a.txt"))).toBe("ask");
    expect(rules.verdict(call("read", "read"), asked("../x"))).toBe("ask");
    expect(rules.verdict(call("write", "edit"), asked())).toBe("ask");
  });

  test("remember an approval for the session: of a tool, but of a command only that very one", () => {
    const rules = rulesOf({});
    rules.approve(call("write", "edit", { a: 1 }), asked());
    expect(rules.verdict(call("write", "edit", { a: 2 }), asked("x.txt"))).toBe("allow");
    expect(rules.verdict(call("write", "edit"), asked("/etc/x"))).toBe("ask");
    rules.approve(call("bash", "execute", { command: "ls" }), asked());
    expect(rules.verdict(call("bash", "execute", { command: "ls" }), asked())).toBe("allow");
    expect(rules.verdict(call("bash", "execute", { command: "rm -rf ." }), asked())).toBe("ask");
  });

  test("an agent's own always is never chosen, and a no is always said", () => {
    const options = (...kinds: string[]) => ({
      sessionId: "s",
      toolCall: asked(),
      options: kinds.map((kind) => ({ optionId: `id-${kind}`, kind })),
    });
    expect(permissionAnswer(options("allow_always", "allow_once"), "allow")).toEqual({
      outcome: { outcome: "selected", optionId: "id-allow_once" },
    });
    expect(permissionAnswer(options("allow_always", "reject_once"), "allow")).toEqual({
      outcome: { outcome: "cancelled" },
    });
    expect(permissionAnswer(options("allow_once", "reject_always"), "deny")).toEqual({
      outcome: { outcome: "selected", optionId: "id-reject_always" },
    });
    expect(permissionAnswer(options("reject_once"), "cancelled")).toEqual({
      outcome: { outcome: "cancelled" },
    });
  });
});
