/** What the operator gives an app and sees of it: metadata, environment, processes, status and metrics; in both languages. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { KartaClient } from "../../cli/client/client.ts";
import { routes } from "../../cli/client/routes.ts";
import { createSession, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, eventuallyIs, processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/apps/${name}`, import.meta.url), "utf8");
const TOML = `entry_point = "app:app"
[harness]
allowed_tools = ["tool"]
[pool]
spares = 0
[env]
pass = ["ORDERS_TOKEN"]
ANTHROPIC_API_KEY = { required = false }
`;
const SCRIPT = `first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "tool (?<how>.+)"
tool = { name = "mcp__karta__tool", input = { how = "$<how>" } }
text = "The tool said: {{tool_result}}"
[default]
text = "ok: {{last_user}}"
`;
const FILES = { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT };
const LANGUAGES = ["python", "node"] as const;

const NAMES = {
  python: { file: "app.py", app: fixture("trouble.py"), idle: "from karta import Karta\napp = Karta()\n" },
  node: {
    file: "app.mjs",
    app: fixture("trouble.mjs"),
    idle: 'import { Karta } from "karta";\nexport const app = new Karta();\n',
  },
};

let home: TestHome;
let kartad: Kartad;
let client: KartaClient;

beforeAll(async () => {
  home = makeHome();
  const env = {
    ANTHROPIC_API_KEY: "sk-ant-test",
    OPENAI_API_KEY: "sk-test",
    ORDERS_TOKEN: "tok-secret",
    TMPDIR: "/tmp",
  };
  kartad = await home.start({
    env: { ...env, SECRET_OF_THE_OPERATOR: "x", PYTHONPATH: "/elsewhere", NODE_ENV: "odd" },
  });
  client = new KartaClient({ socket: home.socket });
  for (const language of LANGUAGES) {
    const { file, app, idle } = NAMES[language];
    const toml = `buildpack = "${language}"\n${TOML}`;
    for (const [name, source] of [
      [language, app],
      [`idle-${language}`, idle],
    ] as const) {
      const folder = home.project(name, { ...FILES, "karta.toml": toml, [file]: source });
      await home.operator.addProject(folder, name);
    }
  }
});
afterAll(() => home.remove());

const workerOf = async (name: string) => (await client.call(routes.getProject, { params: { name } })).worker;

test("an app that registers nothing has no worker: no process, and none in the status", async () => {
  const { apps } = await client.call(routes.status);
  expect(apps.map(({ project }) => project).sort()).toEqual(["node", "python"]);
  expect(await workerOf("idle-python")).toBeNull();
  expect(await workerOf("idle-node")).toBeNull();
  const workers = processesWith(home.folder).filter(({ command }) =>
    /karta\.worker|worker\.js/.test(command),
  );
  expect(workers).toHaveLength(2);
});

describe.each(LANGUAGES)("in %s", (language) => {
  test("its process has the names that it needs and those that [env] passes, and no model's key", async () => {
    await eventuallyIs(async () => (await workerOf(language))?.state, "ready");
    const pid = (await workerOf(language))?.pid ?? 0;
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .filter((one) => one !== "");
    const own = language === "python" ? ["PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "PYTHONPATH"] : [];
    const shell = ["PYTHONUSERBASE", "PWD", "OLDPWD", "SHLVL", "_"]; // pip's folder, and what a shell sets before Node
    expect(
      environment
        .map((one) => one.slice(0, one.indexOf("=")))
        .filter((name) => !shell.includes(name))
        .sort(),
    ).toEqual(
      [
        "HOME",
        "KARTA_APP_ROOT",
        "KARTA_INSTANCE",
        "KARTA_PROCESS",
        "ORDERS_TOKEN",
        "PATH",
        "TMPDIR",
        ...own,
      ].sort(),
    );
    const all = environment.join("\n");
    for (const value of ["sk-ant-test", "sk-test", "elsewhere", "odd"]) expect(all).not.toContain(value);
    expect(all).toContain(`HOME=${home.state}`);
  });

  test("a model's key reaches it where `pass` names it", async () => {
    const { file, app } = NAMES[language];
    const name = `keyed-${language}`;
    const toml = `buildpack = "${language}"\n${TOML.replace('"ORDERS_TOKEN"', '"ANTHROPIC_API_KEY"')}`;
    const folder = home.project(name, { ...FILES, "karta.toml": toml, [file]: app });
    await home.operator.addProject(folder, name);
    await eventuallyIs(async () => (await workerOf(name))?.state, "ready");
    const environment = readFileSync(`/proc/${(await workerOf(name))?.pid ?? 0}/environ`, "utf8").split("\0");
    expect(environment).toContain("ANTHROPIC_API_KEY=sk-ant-test");
    expect(environment.join("\n")).not.toContain("tok-secret");
    expect(await home.ask(["project", "remove", name, "--yes"])).toMatchObject({ code: 0 });
  });

  test("status, `project show` and the metrics tell what its calls came to, and what went wrong", async () => {
    const { id } = await createSession(kartad.url, { project: language });
    expect((await send(kartad.url, id, "hello")).text).toBe("ok: hello");
    expect((await send(kartad.url, id, "tool raise")).text).toContain("out of stock");
    expect((await send(kartad.url, id, "tool die")).text).toContain("not running just now");
    await eventuallyIs(async () => (await workerOf(language))?.state, "ready");
    expect(await workerOf(language)).toMatchObject({
      policies: { answered: 3, failed: 0, running: 0, waiting: 0 },
      tools: { answered: 0, failed: 1, lost: 1 },
      restarts: 1,
      retry_in_seconds: null,
      last_error: { detail: expect.stringContaining("it was ended by SIGKILL") },
    });

    // Who belongs to a process's group is looked up once a second.
    await eventuallyIs(async () => (await workerOf(language))?.rss_bytes !== null, true);

    const shown = await home.ask(["project", "show", language]);
    expect(shown.stdout).toMatch(
      /worker +ready, \d+ calls, 2 of them without an answer, 1 restart, pid \d+, up .*MiB/,
    );
    expect(shown.stdout).toMatch(/tools +1 failed, 1 lost/);
    expect(shown.stdout).toMatch(/last error +.*ended by SIGKILL/);
    const status = await home.ask(["status"]);
    expect(status.stdout).toMatch(
      new RegExp(`${language}: ready, \\d+ calls, 2 of them without an answer, 1 restart`),
    );

    const page = await (await fetch(`${kartad.url}/metrics`)).text();
    for (const sample of [
      `karta_app_workers{state="ready",project="${language}"} 1`,
      `karta_app_calls_total{kind="policies",outcome="answered",project="${language}"} 3`,
      `karta_app_calls_total{kind="tools",outcome="failed",project="${language}"} 1`,
      `karta_app_calls_total{kind="tools",outcome="lost",project="${language}"} 1`,
      `karta_app_calls_live{kind="hooks",project="${language}"} 0`,
      `karta_app_restarts_total{project="${language}"} 1`,
    ])
      expect(page).toContain(sample);
    expect(page).toMatch(new RegExp(`karta_app_resident_bytes\\{project="${language}"\\} [1-9]\\d{6}`));
  });

  test("`sessions create` and `chat` give a session the metadata that its policies decide by", async () => {
    const metadata = ["--metadata", "customer=ada", "--metadata", "vip:=true"];
    const created = await home.karta([
      "sessions",
      "create",
      language,
      ...metadata,
      "--permissions",
      "autonomous",
    ]);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const shown = await home.ask(["sessions", "show", created.stdout.trim(), "--json"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      project: { ref: language },
      metadata: { customer: "ada", vip: true },
      permission_mode: "autonomous",
    });
    expect(await home.karta(["sessions", "send", created.stdout.trim(), "hello"])).toMatchObject({
      stdout: "ok: hello",
    });
    const chat = await home.karta(["chat", language, ...metadata], { input: "hello\n" });
    expect(chat).toMatchObject({ code: 0, stdout: expect.stringContaining("ok: hello") });
    const listed = await home.ask(["sessions", "list", "--project", language, "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      data: [{ metadata: { customer: "ada", vip: true } }, {}, {}],
    });
    const both = await home.karta(["chat", "--session", created.stdout.trim(), "--metadata", "a=b"]);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("leave out --session") });
  });
});

test("a removed project's worker is gone from the status and from the machine", async () => {
  for (const language of LANGUAGES)
    expect(await home.ask(["project", "remove", language, "--yes"])).toMatchObject({ code: 0 });
  expect((await client.call(routes.status)).apps).toEqual([]);
  await eventually(
    () => !processesWith(home.folder).some(({ command }) => /karta\.worker|worker\.js/.test(command)),
    "no worker is left",
  );
});
