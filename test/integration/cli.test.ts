import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { projectAt } from "../fixtures/fake-kartad-answers.ts";
import { startFakeKartad, type FakeKartad } from "../fixtures/fake-kartad.ts";
import { CliHome } from "./cli-runner.ts";

let home: CliHome;
let fake: FakeKartad;

beforeEach(async () => {
  home = new CliHome();
  fake = await startFakeKartad(home.socket);
});
afterEach(async () => {
  await fake.close();
  home.remove();
});

describe("without a daemon", () => {
  beforeEach(() => fake.close());

  test.each([[["project", "list"]], [["sessions", "list"]], [["sessions", "tail"]], [["chat"]], [["stop"]]])(
    "%j says how to start one and exits with 3",
    async (args) => {
      const { code, stdout, stderr } = await home.run(args);
      expect({ code, stdout, stderr }).toEqual({
        code: 3,
        stdout: "",
        stderr: `error: no kartad answers on ${home.socket}; start one with \`karta start\`, or \`karta serve\` to watch it\n`,
      });
    },
  );

  test("status --json answers that none is running, and exits with 3", async () => {
    const { code, stdout } = await home.run(["status", "--json"]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ running: false, socket: home.socket });
  });

  test("--version and --help work", async () => {
    expect(await home.run(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^karta\/\d/),
    });
    expect(await home.run(["--help"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("sessions"),
    });
    expect(await home.run(["project", "add", "-h"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("EXAMPLES"),
    });
  });
});

describe("exit codes", () => {
  test.each([
    ["an unknown command", ["nonsense"]],
    ["an unknown flag", ["status", "--nonsense"]],
    ["a missing argument", ["sessions", "show"]],
    ["an argument too many", ["status", "now"]],
    ["a value out of the list", ["sessions", "list", "--state", "asleep"]],
    ["a span that is none", ["logs", "--since", "yesterday"]],
    ["a question that nobody can be asked", ["project", "remove", "bot"]],
  ])("%s is bad usage, 2", async (_, args) => {
    fake.state.projects.push(projectAt("bot", "/bot"));
    const { code, stdout, stderr } = await home.ask(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: /);
  });

  test("what does not exist is 4", async () => {
    expect(await home.run(["project", "show", "ghost"])).toMatchObject({
      code: 4,
      stderr: "error: there is no project ghost\n",
    });
    expect(await home.ask(["sessions", "show", "zzz"])).toMatchObject({ code: 4 });
  });

  test("what is refused is 5, with its issues one a line", async () => {
    const { code, stderr } = await home.ask(["project", "add", "./broken"]);
    expect(code).toBe(5);
    expect(stderr.split("\n").slice(1, 3)).toEqual([
      '  karta.toml: pool.spares  expected a whole number, found "two"',
      "  karta.toml: harness      expected a table",
    ]);
  });

  test("a failed turn is 1", async () => {
    const session = fake.state.addSession();
    expect(await home.ask(["sessions", "send", session.id, "fail"])).toMatchObject({
      code: 1,
      stderr: "error: the model said no\n",
    });
  });

  test("with --json the error's body is on stdout and nothing on stderr", async () => {
    const { code, stdout, stderr } = await home.ask(["project", "add", "./broken", "--json"]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ error: "invalid_project", issues: [{}, {}] });
    expect(JSON.parse((await home.ask(["status", "--nonsense", "--json"])).stdout)).toMatchObject({
      error: "bad_usage",
    });
  });
});

describe("projects", () => {
  test("project add shows what was found and what to do next", async () => {
    const { code, stdout } = await home.ask(["project", "add", "./app", "support-bot"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${process.cwd()}/app`);
    for (const said of [
      "claude-code",
      "billing: Answers about invoices",
      "app:app (python)",
      "orders",
      "colour  unknown key",
    ]) {
      expect(stdout).toContain(said);
    }
    expect(stdout).toContain("  karta chat support-bot\n  curl http://127.0.0.1:8000/v1/sessions ");
  });

  test("project list is a table, or the daemon's JSON", async () => {
    fake.state.projects.push(projectAt("bot", "/bot"), projectAt("other-bot", "/other"));
    const { stdout } = await home.ask(["project", "list"]);
    expect(stdout.split("\n")).toEqual([
      "NAME       HARNESS      AGENTS  SKILLS  SESSIONS  HEALTH  PATH",
      "bot        claude-code       1       0         2  ready   /bot",
      "other-bot  claude-code       1       0         2  ready   /other",
      "",
    ]);
    expect(JSON.parse((await home.ask(["project", "list", "--json"])).stdout)).toEqual({
      data: fake.state.projects,
    });
  });

  test("check, show, default and remove", async () => {
    fake.state.projects.push(projectAt("bot", "/bot"));
    expect(await home.ask(["project", "check", "."])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("2.1.0 at /usr/bin/claude"),
    });
    expect(await home.ask(["project", "show", "bot"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("/bot"),
    });
    expect(await home.ask(["project", "default", "bot"])).toMatchObject({
      code: 0,
      stdout: "bot is the default project\n",
    });
    expect(await home.ask(["project", "remove", "bot", "--yes"])).toMatchObject({
      code: 0,
      stdout: "bot is removed; 3 sessions archived\n",
    });
    expect(fake.state.projects).toEqual([]);
  });
});

describe("sessions", () => {
  const first = `sess_${"a".repeat(8)}${"1".repeat(16)}`;
  const second = `sess_${"a".repeat(8)}${"2".repeat(16)}`;
  const third = `sess_${"b".repeat(24)}`;

  beforeEach(() => {
    for (const id of [first, second, third]) fake.state.addSession(id);
  });

  test("ids are shown as long as it takes to tell them apart, over all pages", async () => {
    const { stdout } = await home.ask(["sessions", "list"]);
    expect(stdout.split("\n").map((line) => line.split(/ +/)[0])).toEqual([
      "ID",
      "sess_aaaaaaaa1",
      "sess_aaaaaaaa2",
      "sess_bbbbbbbbb",
      "",
    ]);
  });

  test("--limit stops early and says so", async () => {
    const { stdout, stderr } = await home.ask(["sessions", "list", "--limit", "1"]);
    expect(stdout.trim().split("\n")).toHaveLength(2);
    expect(stderr).toContain("--limit");
  });

  test("an id may be shortened, with or without its prefix", async () => {
    for (const typed of ["b", "sess_b", "aaaaaaaa2", third]) {
      expect((await home.ask(["sessions", "show", typed])).code).toBe(0);
    }
  });

  test("an ambiguous start lists the candidates and is bad usage", async () => {
    const { code, stderr } = await home.ask(["sessions", "rm", "b", "aaa"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`candidates: ${first}, ${second}`);
    expect(fake.state.sessions.every(({ status }) => status === "active")).toBe(true);
  });

  test("rm archives, and --state filters", async () => {
    expect((await home.ask(["sessions", "rm", "b", "aaaaaaaa1"])).code).toBe(0);
    const { stdout } = await home.ask(["sessions", "list", "--state", "archived", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ data: [{ id: first }, { id: third }], more: false });
  });

  test("send prints the words on stdout and tool uses on stderr", async () => {
    expect(await home.ask(["sessions", "send", "b", "tool"])).toEqual({
      code: 0,
      stdout: "You said: tool\n",
      stderr: '· Read {"file":"a.txt"}\n',
    });
  });

  test("send - reads stdin; --json prints the whole result", async () => {
    const { stdout } = await home.run(["sessions", "send", "b", "-", "--json"], "from a pipe\n");
    expect(JSON.parse(stdout)).toMatchObject({ text: "You said: from a pipe", status: "completed" });
  });

  test("an agent's control characters are shown, not obeyed", async () => {
    const { stdout } = await home.ask(["sessions", "send", "b", "escape"]);
    expect(stdout).toBe("red ␛[31m‹U+009B›2J alert\n");
  });

  test("a reply that breaks off is read on, and printed once; a pipe sees the words alone", async () => {
    expect(await home.run(["sessions", "send", "b", "cut"])).toEqual({
      code: 0,
      stdout: "You said: cut\n",
      stderr: "kartad went away; waiting\nkartad is back\n",
    });
  });

  test("a turn that a restart ended exits with 1 and says so", async () => {
    expect(await home.run(["sessions", "send", "b", "crash"])).toMatchObject({
      code: 1,
      stdout: "You said: crash\n",
      stderr: expect.stringMatching(/kartad is back\nerror: kartad ended\n$/),
    });
  });

  test("Ctrl-C during send leaves the turn alone", async () => {
    const sending = home.open(["sessions", "send", "b", "wait"]);
    await sending.until("stdout", /You said: wait/);
    sending.child.kill("SIGINT");
    expect(await sending.ended()).toMatchObject({
      code: 130,
      stderr: expect.stringContaining("the turn goes on"),
    });
    expect(await home.run(["sessions", "cancel", "b"])).toMatchObject({ code: 0 });
    expect(await home.run(["sessions", "cancel", "b"])).toMatchObject({ code: 5 });
  });
});

describe("the daemon's status", () => {
  test("is shown in human units", async () => {
    const { stdout } = await home.ask(["status"]);
    expect(stdout).toContain("uptime    1 h 2 min");
    expect(stdout).toContain("memory    182 MiB resident, 48.0 MiB heap");
  });

  test("of the pool is a command of its own", async () => {
    expect(await home.ask(["pool"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("0 of 16 processes: 0 spares, 0 bound, 0 busy; 0 waiting"),
    });
    const { stdout } = await home.ask(["pool", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ processes: [], pool: { max_processes: 16, backing_off: [] } });
  });

  test("a daemon of another version is said once, on stderr, with --json too", async () => {
    fake.state.version = "9.9.9";
    const { stdout, stderr } = await home.run(["status", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ running: true, version: "9.9.9" });
    expect(stderr.match(/kartad is 9\.9\.9/g)).toHaveLength(1);
  });

  test("colour is for terminals, and FORCE_COLOR and NO_COLOR are heard", async () => {
    expect((await home.run(["status"], "", { FORCE_COLOR: "1" })).stdout).toContain("\u001b[");
    expect((await home.run(["status"], "", { FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toContain(
      "\u001b[",
    );
  });
});

describe("preferences", () => {
  test("are kept, and chat begins with the preferred project", async () => {
    expect(await home.ask(["config", "set", "project", "liked-bot"])).toMatchObject({ code: 0 });
    expect(await home.ask(["config", "get", "project"])).toMatchObject({ stdout: "liked-bot\n" });
    await home.run(["chat"], "hello\n");
    expect(fake.state.sessions.map(({ project }) => project.ref)).toEqual(["liked-bot"]);
  });

  test("a value that a preference does not take is bad usage", async () => {
    expect(await home.ask(["config", "set", "color", "sometimes"])).toMatchObject({ code: 2 });
    expect(await home.ask(["config", "set", "nonsense", "1"])).toMatchObject({ code: 2 });
  });
});
