import { symlink } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readProject } from "../../../daemon/projects/read-project.ts";
import type { SandboxState } from "../../../daemon/process/sandbox.ts";
import { folderWith } from "../apps/temp-project.ts";
import { refusalOf, told } from "./refusal.ts";

const AVAILABLE: SandboxState = { kind: "available", program: "/usr/bin/bwrap", version: "0.8.0" };
const read = async (files: Record<string, string>) =>
  readProject(await folderWith({ "CLAUDE.md": "", ...files }), {
    daemonEnv: {},
    homedir: "/nowhere",
    sandbox: { isRequired: false, probe: () => Promise.resolve(AVAILABLE) },
  });
const refused = async (toml: string, others: Record<string, string> = {}) =>
  told(await refusalOf(read({ "karta.toml": toml, ...others })));
const warned = async (files: Record<string, string>) =>
  (await read(files)).warnings.map(({ path, message }) => `${path}: ${message}`);

const WHOLE = `
name = "support-bot"
deploy = false
buildpack = "node"
entry_point = "src/app:app"
[harness]
type = "claude-code"
version = ">=2.1 <3"
model = "claude-sonnet-5"
allowed_tools = ["Read", "Grep"]
disallowed_tools = ["Bash"]
[environment]
setup = "setup.sh"
[env]
pass = ["REGION"]
ORDERS = { description = "Order service" }
[runtime]
permission_mode = "autonomous"
approval_timeout_seconds = 0.5
turn_timeout_seconds = 60
workspace = "session"
sandbox = true
[http]
allowed_origins = ["https://shop.example", "http://localhost:5173"]
[pool]
spares = 0
idle_timeout_seconds = 5
max_processes = 2
`;

test("every key of karta.toml and karta.jsonc", async () => {
  const { definition, warnings } = await read({
    "karta.toml": WHOLE,
    "setup.sh": "",
    "src/app.ts": "",
    "karta.jsonc": `{
      // how it behaves
      "harness": { "claude": { "thinking_budget_tokens": 1024, "permission_intercept": false } },
      "cli": {
        "hidden_event_types": ["reasoning",],
        "input_required_policy": "deny",
        "input_required_hidden_policy": "approve_once",
      },
      "profile": { "name": "beans", "display_name": "Beans" }, /* trailing comma */
    }`,
  });
  expect(warnings).toEqual([]);
  expect(definition.manifest).toEqual({
    name: "support-bot",
    deploy: false,
    entryPoint: { spec: "src/app:app", buildpack: "node" },
    harness: {
      type: "claude-code",
      version: ">=2.1 <3",
      command: null,
      model: "claude-sonnet-5",
      allowedTools: ["Read", "Grep"],
      disallowedTools: ["Bash"],
      thinkingBudgetTokens: 1024,
      permissionIntercept: false,
    },
    setup: "setup.sh",
    env: [{ name: "ORDERS", required: false, description: "Order service" }],
    passEnv: ["REGION"],
    http: { allowedOrigins: ["https://shop.example", "http://localhost:5173"] },
    runtime: {
      permissionMode: "autonomous",
      approvalTimeoutSeconds: 0.5,
      turnTimeoutSeconds: 60,
      workspace: "session",
      sandbox: true,
    },
    pool: { spares: 0, idleTimeoutSeconds: 5, maxProcesses: 2 },
    cli: {
      hiddenEventTypes: ["reasoning"],
      inputRequiredPolicy: "deny",
      inputRequiredHiddenPolicy: "approve_once",
    },
    profile: { name: "beans", displayName: "Beans" },
  });
});

test("an empty karta.jsonc, or one of comments alone, is fine", async () => {
  expect(await warned({ "karta.jsonc": "" })).toEqual([]);
  expect(await warned({ "karta.jsonc": "// later\n" })).toEqual([]);
});

describe("a syntax error has file, line and column", () => {
  test.each([
    [
      "name = \n",
      "karta.toml:1:8: syntax error: the line ends too early (a value or a closing quote is missing)",
    ],
    ['name = "a"\n[pool]\nspares = @1\n', 'karta.toml:3:10: syntax error: unexpected "@"'],
    ['name = "a"\nname = "b"\n', "karta.toml:2:1: Cannot redefine existing key 'name'."],
    ["x = [1,", "karta.toml:1:8: syntax error: the file ends in the middle of a value"],
  ])("%j", async (toml, message) => {
    expect(await refused(toml)).toBe(message);
  });

  test("in karta.jsonc", async () => {
    expect(await refused("", { "karta.jsonc": '{\n  "cli": {\n    "x" 1\n  }\n}' })).toContain(
      "karta.jsonc:3:9: syntax error: colon expected",
    );
  });
});

describe("a wrong value has its path, what was expected and what was found", () => {
  test.each([
    ["name = 5", "name: expected a string, found 5"],
    [
      'name = "Bad Name"',
      'name: expected 1 to 63 lowercase letters, digits and hyphens, with no hyphen at either end, found the string "Bad Name"',
    ],
    [
      '[http]\nallowed_origins = ["https://shop.example/"]',
      'http.allowed_origins.0: expected an origin such as "https://shop.example", with no path and no slash at its end, found the string "https://shop.example/"',
    ],
    [
      '[http]\nallowed_origins = ["*"]',
      'http.allowed_origins.0: expected an origin such as "https://shop.example", with no path and no slash at its end, found the string "*"',
    ],
    [
      '[http]\nallowed_origins = "https://shop.example"',
      'http.allowed_origins: expected a list of origins, found the string "https://shop.example"',
    ],
    ['deploy = "yes"', 'deploy: expected true or false, found the string "yes"'],
    ['buildpack = "ruby"', 'buildpack: expected one of "python", "node", found the string "ruby"'],
    ["entry_point = 1", 'entry_point: expected a string of the form "module:attribute", found 1'],
    ['entry_point = "app"', 'entry_point: expected "module:attribute", such as "app:app", found "app"'],
    [
      'entry_point = "../app:app"',
      'entry_point: expected "module:attribute", such as "app:app", found "../app:app"',
    ],
    ["harness = 1", "harness: expected a table, found 1"],
    [
      '[harness]\ntype = "claude"',
      'harness.type: expected one of "claude-code", "opencode", "codex-cli", "goose", "deepagents", "gemini", "acp", found the string "claude"',
    ],
    [
      '[harness]\nversion = "two"',
      'harness.version: expected a version range such as "2", "^2.1" or ">=1.4 <3", found the string "two"',
    ],
    [
      "[harness]\nversion = 2",
      'harness.version: expected a version range such as "2", "^2.1" or ">=1.4 <3", found 2',
    ],
    [
      '[harness]\nallowed_tools = "Read"',
      'harness.allowed_tools: expected a list of strings, found the string "Read"',
    ],
    ["[harness]\nallowed_tools = [1]", "harness.allowed_tools.0: expected a string, found 1"],
    [
      '[harness]\ntype = "acp"',
      'harness.command: expected the agent\'s command, since type = "acp", such as command = ["my-agent", "acp"]; found nothing',
    ],
    [
      '[harness]\ncommand = ["x"]',
      'harness.command: expected none, since it goes with type = "acp" only, and type is "claude-code"',
    ],
    [
      '[harness]\ntype = "acp"\ncommand = []',
      'harness.command: expected a list of strings, the program first, such as ["my-agent", "acp"], found an empty list',
    ],
    [
      "[runtime]\nturn_timeout_seconds = 0",
      "runtime.turn_timeout_seconds: expected a number of seconds, more than 0 and at most 2147483, found 0",
    ],
    [
      "[runtime]\napproval_timeout_seconds = 1e12",
      "runtime.approval_timeout_seconds: expected a number of seconds, more than 0 and at most 2147483, found 1000000000000",
    ],
    [
      "[runtime]\nturn_timeout_seconds = nan",
      "runtime.turn_timeout_seconds: expected a number of seconds, more than 0 and at most 2147483, found NaN",
    ],
    [
      '[runtime]\nworkspace = "mine"',
      'runtime.workspace: expected one of "shared", "session", found the string "mine"',
    ],
    ["[pool]\nspares = -1", "pool.spares: expected a whole number of at least 0, found -1"],
    ["[pool]\nspares = 1.5", "pool.spares: expected a whole number of at least 0, found 1.5"],
    ["[pool]\nmax_processes = 0", "pool.max_processes: expected a whole number of at least 1, found 0"],
    [
      "[pool]\nspares = 3\nmax_processes = 2",
      "pool.spares: expected at most pool.max_processes, which is 2, found 3",
    ],
    [
      '[environment]\nsetup = "setup.sh"',
      "environment.setup: expected a file of the folder, found no setup.sh",
    ],
    [
      '[environment]\nsetup = "/etc/../../../etc/passwd"',
      "environment.setup: /etc/../../../etc/passwd leads outside the project's folder, to /etc/passwd; copy it into the folder",
    ],
    [
      "[env]\n1A = {}",
      "env.1A: expected a name of letters, digits and underscores that starts with no digit",
    ],
    ["[env]\nA = { required = 1 }", "env.A.required: expected true or false, found a number"],
  ])("%j", async (toml, message) => {
    expect(await refused(toml)).toBe(`karta.toml: ${message}`);
  });

  test("in karta.jsonc", async () => {
    expect(await refused("", { "karta.jsonc": '{"cli": {"input_required_policy": "ask"}}' })).toBe(
      'karta.jsonc: cli.input_required_policy: expected one of "prompt", "deny", "approve_once", "approve_session", "error", found the string "ask"',
    );
    expect(await refused("", { "karta.jsonc": "[]" })).toBe(
      "karta.jsonc: expected a table, found an empty list",
    );
  });
});

describe("entry_point without buildpack", () => {
  test.each([
    ["app.py", "python"],
    ["app/__init__.py", "python"],
    ["app.js", "node"],
    ["app.mjs", "node"],
    ["app.ts", "node"],
    ["app/index.js", "node"],
  ])("%s means %s", async (file, buildpack) => {
    const { definition } = await read({ "karta.toml": 'entry_point = "app:app"', [file]: "" });
    expect(definition.manifest.entryPoint).toEqual({ spec: "app:app", buildpack });
  });

  test("neither or both: says what to add", async () => {
    const toml = 'entry_point = "app:app"';
    expect(await refused(toml)).toBe(
      'karta.toml: buildpack: expected "python" or "node" to load app:app with, since neither app.py nor app.js (.mjs, .ts, .mts) is there; add it',
    );
    expect(await refused(toml, { "app.py": "", "app.js": "" })).toContain(
      "since app.py and app.js are both there; add it",
    );
  });
});

test("a sandboxed project's own files are no links, which its agents could replace", async () => {
  const root = await folderWith({ "CLAUDE.md": "", "real.toml": "[runtime]\nsandbox = true\n" });
  await symlink("real.toml", path.join(root, "karta.toml"));
  const sandbox = { isRequired: false, probe: () => Promise.resolve(AVAILABLE) };
  const reading = readProject(root, { daemonEnv: {}, homedir: "/nowhere", sandbox });
  expect(told(await refusalOf(reading))).toMatch(/^karta\.toml: .*found a link/);
});
