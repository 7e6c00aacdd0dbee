/** `Karta` outside kartad: both packages, installed as a user installs them, drive a real daemon over socket and URL. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "what did i say first"
text = "You first said: {{first_user}}"
[[reply]]
when = "slowly"
text = "one two three four five six seven eight nine ten"
tokens_per_second = 2
[[reply]]
when = "on and on"
text = "${Array.from({ length: 200 }, (_, index) => `word${index + 1}`).join(" ")}"
tokens_per_second = 20
[[reply]]
when = "write it down"
tool = { name = "Write", input = { file_path = "note.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "bad request"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }
[default]
text = "ok: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
let folder: string;

beforeAll(async () => {
  home = makeHome();
  folder = home.project("bot", { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT });
  kartad = await home.start();
});
afterAll(() => home.remove());

const program = (name: string): string => path.join(packageRoot(), "test/fixtures/apps", name);

/** Runs a program of test/fixtures/apps to its end. */
async function drive(command: string, file: string): Promise<unknown> {
  const { stdout } = await execa(command, [program(file), folder, kartad.url], {
    env: { ...kartad.env, PYTHONDONTWRITEBYTECODE: "1" },
    extendEnv: false,
    cwd: home.folder,
  });
  return JSON.parse(stdout);
}

const EXPECTED = {
  reply: "ok: My name is Ada.",
  context: "You first said: My name is Ada.",
  async: {
    first: "ok: My name is Bob.",
    text: "You first said: My name is Bob.",
    last: "done",
    pieces: expect.any(Number),
    cancelled: "completed",
  },
  url: "ok: hello",
  stream: expect.arrayContaining(["ok"]),
  resumed: "You first said: hello",
  asked: ["input_required", "Write"],
  answered: "done",
  refused: ["unknown_agent", 422],
  failed: ["model_error", 502],
  unknown: ["not_found", 404],
  strange: Array.from({ length: 5 }, () => ["not_found", 404]), // ids that would lead to another route
  nobody: "no daemon",
};

describe("a program that is no app", () => {
  test("in Python, from `pip install` of the folder, without the network", async () => {
    const python = path.join(home.folder, "venv/bin/python");
    const venv = await execa("python3", ["-m", "venv", "--without-pip", path.join(home.folder, "venv")], {
      reject: false,
    });
    const pip = await execa("python3", ["-m", "pip", "--version"], { reject: false });
    if (venv.exitCode !== 0 || pip.exitCode !== 0) {
      process.stderr.write(
        `skipped: this machine's Python has no venv or no pip\n${venv.stderr}${pip.stderr}\n`,
      );
      return;
    }
    const source = path.join(packageRoot(), "daemon/apps/python");
    await execa(
      "python3",
      ["-m", "pip", "--python", python, "install", "--no-index", "--no-build-isolation", source],
      {
        env: { PIP_DISABLE_PIP_VERSION_CHECK: "1" },
      },
    );
    const { stdout } = await execa(python, ["-c", "import karta; print(karta.__file__)"], {
      cwd: home.folder,
    });
    expect(stdout.startsWith(path.join(home.folder, "venv"))).toBe(true);
    expect(existsSync(path.join(path.dirname(stdout), "py.typed"))).toBe(true);
    expect(await drive(python, "drive.py")).toEqual(EXPECTED);
  });

  test("in Node, by the package's own export", async () => {
    expect(await drive(process.execPath, "drive.mjs")).toEqual(EXPECTED);
    const { stdout } = await home.ask(["project", "list", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ data: [{ path: folder }] }); // the first of the two has registered it
  });
});

describe.each([
  ["Python", "python3", "watch.py"],
  ["Node", process.execPath, "watch.mjs"],
])("a program in %s", (_language, command, file) => {
  test("reads its turn on over a kill -9 of kartad, to the end that the turn has, and goes on in its session", async () => {
    const child = execa(command, [program(file), folder], {
      env: {
        ...kartad.env,
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONPATH: path.join(packageRoot(), "daemon/apps/python"),
      },
      extendEnv: false,
      cwd: home.folder,
    });
    let said = "";
    for await (const chunk of child.iterable({ binary: true })) {
      const before = said.includes("word3");
      said += Buffer.from(chunk).toString("utf8");
      if (before || !said.includes("word3")) continue;
      await kartad.kill();
      kartad = await home.start();
    }
    await child;
    expect(said.split("\n").slice(1)).toEqual([
      "error: daemon_restarted",
      "whole: True",
      "again: ok: hello",
      "",
    ]);
  });
});
