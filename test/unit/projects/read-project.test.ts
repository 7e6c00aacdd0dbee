import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readProject } from "../../../daemon/projects/read-project.ts";
import { folderWith } from "../apps/temp-project.ts";
import { refusalOf, told } from "./refusal.ts";

const options = { daemonEnv: {}, homedir: "/nowhere" };
const read = async (files: Record<string, string>, daemonEnv: Record<string, string> = {}) =>
  readProject(await folderWith(files), { ...options, daemonEnv });
const refused = (files: Record<string, string>, daemonEnv: Record<string, string> = {}) =>
  refusalOf(read(files, daemonEnv));

describe("a folder that can be a project", () => {
  test("the smallest: a CLAUDE.md, and every default", async () => {
    const { definition, warnings } = await read({ "CLAUDE.md": "You are Beans." });
    expect(definition).toMatchObject({
      harness: "claude-code",
      agents: [],
      skills: [],
      mcpServers: {},
      boundEnv: {},
      offlineScript: null,
      manifest: {
        name: null,
        entryPoint: null,
        pool: { spares: 1, maxProcesses: 16 },
        runtime: { workspace: "shared", permissionMode: "interactive" },
      },
    });
    expect(warnings).toEqual([]);
  });

  test("the tutorial's three files", async () => {
    const { definition } = await read({
      "CLAUDE.md": "# Beans",
      "app.py": "from karta import Karta\napp = Karta()\n",
      "karta.toml": 'entry_point = "app:app"\nbuildpack = "python"\n',
    });
    expect(definition.manifest.entryPoint).toEqual({ spec: "app:app", buildpack: "python" });
  });

  test("a linked folder is known by its real path, and a link inside it is fine", async () => {
    const root = await folderWith({ "AGENTS.md": "hello" });
    await symlink("AGENTS.md", path.join(root, "CLAUDE.md"));
    const link = path.join(await folderWith(), "link");
    await symlink(root, link);
    const { definition } = await readProject(link, options);
    expect(definition).toMatchObject({ root, harness: "claude-code" });
  });

  test("reading writes nothing", async () => {
    const root = await folderWith({ "CLAUDE.md": "hello" });
    await readProject(root, options);
    expect(await readdir(root)).toEqual(["CLAUDE.md"]);
  });
});

describe("a folder that cannot", () => {
  test("none, a file, a relative path, the root of the file system, the home folder", async () => {
    const home = await folderWith({ "CLAUDE.md": "" });
    expect(told(await refusalOf(readProject("/no/such/place", options)))).toBe(
      "/no/such/place: there is no such folder",
    );
    expect(told(await refusalOf(readProject(path.join(home, "CLAUDE.md"), options)))).toContain(
      "expected a folder, found a file",
    );
    expect(told(await refusalOf(readProject("app", options)))).toContain(
      'expected an absolute path, found "app"',
    );
    expect(told(await refusalOf(readProject("/", options)))).toContain("this is the root of the file system");
    expect(told(await refusalOf(readProject(home, { ...options, homedir: home })))).toContain(
      "this is your home folder",
    );
  });

  test("no harness: it says what was looked for", async () => {
    expect(told(await refused({ "app.py": "" }))).toBe(
      ".: no harness was found: looked for CLAUDE.md and .claude/ (claude-code), then AGENTS.md, opencode.json and .opencode/ (opencode); add a CLAUDE.md that says what the agent is, or [harness] type to karta.toml",
    );
  });

  test("everything that is wrong is told at once, and the sentence for people names the first", async () => {
    const error = await refused({
      "CLAUDE.md": "",
      "karta.toml": "deploy = 1\npool.spares = -1\n[env]\nA = { required = true }\n",
      "karta.jsonc": "{ nope",
      ".mcp.json": "{",
      ".claude/agents/x.md": "",
    });
    expect(error.code).toBe("invalid_project");
    expect(error.issues.map(({ path: where }) => where)).toEqual([
      "karta.toml: deploy",
      "karta.toml: pool.spares",
      "karta.jsonc:1:3",
      ".mcp.json:1:2",
    ]);
    expect(error.message).toMatch(
      / cannot be a project: karta\.toml: deploy: expected true or false, found 1; .*; and 1 more$/,
    );
  });

  test.each([
    "CLAUDE.md",
    "karta.toml",
    "app.py",
    ".claude/agents/a.md",
    ".mcp.json",
    ".env",
    "offline.toml",
    "setup.sh",
  ])("%s is a link that leads out of the folder", async (name) => {
    const outside = await folderWith({ real: 'entry_point = "app:app"\n' });
    const root = await folderWith({ "AGENTS.md": "" });
    if (name !== "karta.toml") {
      const toml = 'entry_point = "app:app"\nbuildpack = "python"\n[environment]\nsetup = "setup.sh"\n';
      await writeFile(path.join(root, "karta.toml"), toml);
      if (name !== "setup.sh") await writeFile(path.join(root, "setup.sh"), "");
    }
    await mkdir(path.join(root, ".claude/agents"), { recursive: true });
    await symlink(path.join(outside, "real"), path.join(root, name));
    const error = await refusalOf(readProject(root, options));
    expect(error.issues).toHaveLength(1);
    expect(told(error)).toContain(name);
    expect(told(error)).toContain(
      `leads outside the project's folder, to ${outside}/real; copy it into the folder`,
    );
  });

  test("a file past 1 MiB, of other bytes, a link to nothing, a folder in a file's place", async () => {
    expect(told(await refused({ "CLAUDE.md": "", "karta.toml": "#".repeat(1024 * 1024 + 1) }))).toBe(
      "karta.toml: expected at most 1 MiB, found more",
    );
    const root = await folderWith({ "CLAUDE.md": "" });
    await writeFile(path.join(root, "karta.toml"), Buffer.from([0x61, 0xff]));
    await symlink("gone", path.join(root, ".mcp.json"));
    await mkdir(path.join(root, "karta.jsonc"));
    expect(told(await refusalOf(readProject(root, options))).split("\n")).toEqual([
      "karta.toml: expected UTF-8 text, found other bytes",
      "karta.jsonc: expected a file, found a folder",
      ".mcp.json: is a link to something that does not exist",
    ]);
  });
});

describe("which harness", () => {
  test.each([
    ["claude-code", { "CLAUDE.md": "" }],
    ["claude-code", { ".claude/settings.json": "{}", "AGENTS.md": "" }],
    ["opencode", { "AGENTS.md": "" }],
    ["opencode", { "opencode.json": "{}" }],
    ["opencode", { ".opencode/agent/a.md": "" }],
    ["goose", { "CLAUDE.md": "", "karta.toml": '[harness]\ntype = "goose"\n' }],
    ["acp", { "karta.toml": '[harness]\ntype = "acp"\ncommand = ["my-agent"]\n' }],
  ])("%s", async (harness, files) => {
    expect((await read(files)).definition.harness).toBe(harness);
  });
});

describe("[env]", () => {
  const toml = '[env]\nORDERS_API_URL = { required = true, description = "Order service" }\nMODE = {}\n';

  test("the folder's .env comes before the daemon's environment; other names of it are not bound", async () => {
    const files = {
      "CLAUDE.md": "",
      "karta.toml": toml,
      ".env": 'ORDERS_API_URL="http://one" # here\nOTHER=x\n',
    };
    const { definition } = await read(files, { ORDERS_API_URL: "http://two", MODE: "test" });
    expect(definition.boundEnv).toEqual({ ORDERS_API_URL: "http://one", MODE: "test" });
  });

  test("required and unbound, or bound to nothing: refused, with the description", async () => {
    const message =
      "karta.toml: env.ORDERS_API_URL: required and not set (Order service); add ORDERS_API_URL=… to the folder's .env, or start kartad with it";
    expect(told(await refused({ "CLAUDE.md": "", "karta.toml": toml }))).toBe(message);
    expect(told(await refused({ "CLAUDE.md": "", "karta.toml": toml, ".env": "ORDERS_API_URL=\n" }))).toBe(
      message,
    );
  });

  test.each(["KARTA_HOME", "PATH", "HOME", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONPATH"])(
    "%s cannot be bound",
    async (name) => {
      expect(told(await refused({ "CLAUDE.md": "", "karta.toml": `[env]\n${name} = {}\n` }))).toBe(
        `karta.toml: env.${name}: this name is Karta's or the system's to set; choose another`,
      );
    },
  );

  test("pass: names of the daemon's environment for the app's own code alone; a model's key needs it", async () => {
    const declared = "ORDERS = {}\nANTHROPIC_API_KEY = {}\n";
    const env = { ORDERS: "x", ANTHROPIC_API_KEY: "sk-1", REGION: "eu", OTHER: "y" };
    const bare = await read({ "CLAUDE.md": "", "karta.toml": `[env]\n${declared}` }, env);
    expect(bare.definition.appEnv).toEqual({ ORDERS: "x" });
    expect(bare.warnings).toEqual([
      {
        path: "karta.toml: env.ANTHROPIC_API_KEY",
        message:
          "a model's key does not reach the app's own code; if it must, write pass = [\"ANTHROPIC_API_KEY\"]",
      },
    ]);
    const toml = `[env]\npass = ["ANTHROPIC_API_KEY", "REGION", "UNSET"]\n${declared}`;
    const passed = await read({ "CLAUDE.md": "", "karta.toml": toml }, env);
    expect(passed.definition.appEnv).toEqual({ ORDERS: "x", ANTHROPIC_API_KEY: "sk-1", REGION: "eu" });
    expect(passed.definition.boundEnv).not.toHaveProperty("REGION"); // the agent's process has no part in it
    expect(passed.warnings).toEqual([]);
    expect(told(await refused({ "CLAUDE.md": "", "karta.toml": '[env]\npass = ["PATH"]\n' }))).toContain(
      "karta.toml: env.pass: this name is Karta's",
    );
  });

  test("a value put in karta.toml by mistake is not repeated in the error", async () => {
    const error = await refused({ "CLAUDE.md": "", "karta.toml": '[env]\nKEY = "sk-secret"\n' });
    expect(told(error)).toBe(
      'karta.toml: env.KEY: expected a table such as { required = true, description = "…" }, found a string',
    );
    expect(JSON.stringify(error.toBody())).not.toContain("sk-secret");
  });
});

describe(".mcp.json", () => {
  test("its servers are found", async () => {
    const servers = { orders: { command: "orders-mcp" }, docs: { url: "http://localhost:1" } };
    const { definition } = await read({
      "CLAUDE.md": "",
      ".mcp.json": JSON.stringify({ mcpServers: servers }),
    });
    expect(definition.mcpServers).toEqual(servers);
  });

  test("bad JSON has its line and column; it takes no comments", async () => {
    expect(told(await refused({ "CLAUDE.md": "", ".mcp.json": '{\n  "mcpServers": {,}\n}' }))).toMatch(
      /^\.mcp\.json:2:18: syntax error: value expected/,
    );
    expect(told(await refused({ "CLAUDE.md": "", ".mcp.json": "{} // no" }))).toContain(
      ".mcp.json:1:4: syntax error",
    );
    expect(told(await refused({ "CLAUDE.md": "", ".mcp.json": '{"mcpServers": {"a": "cmd"}}' }))).toContain(
      '.mcp.json: mcpServers.a: expected an object such as { "command": "…" } or { "url": "…" }, found a string',
    );
  });
});

describe("offline.toml", () => {
  test("is read into the script", async () => {
    const { definition } = await read({
      "CLAUDE.md": "",
      "offline.toml": '[[reply]]\nwhen = "hi"\ntext = "Hello"\n',
    });
    expect(definition.offlineScript).not.toBeNull();
  });

  test("what is wrong in it has its line", async () => {
    const error = await refused({ "CLAUDE.md": "", "offline.toml": '[[reply]]\nwhen = "("\ntext = "x"\n' });
    expect(error.issues[0]?.path).toMatch(/^offline\.toml:[12]$/);
  });
});
