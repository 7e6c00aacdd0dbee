import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { checkEntryPoint, type CheckEntryPointOptions } from "../../../daemon/apps/check-entry-point.ts";
import { explainOutcome } from "../../../daemon/apps/explain-outcome.ts";
import type { EntryPointCheck } from "../../../daemon/apps/protocol.ts";
import { packageRoot } from "../../../shared/paths.ts";
import { folderWith, spawnerForTests } from "./temp-project.ts";

const spawner = spawnerForTests();
const KARTA = "from karta import Karta\n";

async function check(
  files: Record<string, string>,
  options: Partial<CheckEntryPointOptions> & { spec?: string } = {},
): Promise<EntryPointCheck & { root: string }> {
  const root = options.root ?? (await folderWith(files));
  const checked = await checkEntryPoint({
    root,
    entryPoint: { spec: options.spec ?? "app:app", buildpack: "python" },
    boundEnv: {},
    baseEnv: { PATH: process.env.PATH },
    home: await folderWith(),
    spawner,
    ...options,
  });
  return { ...checked, root };
}

/** The two sentences a user sees. */
function told(checked: EntryPointCheck): string {
  return checked.ok ? "ok" : `${checked.problem}\n${checked.fix}`;
}

describe("a Python app that loads", () => {
  test("the tutorial's two lines load, and nothing is written into the folder", async () => {
    const checked = await check({ "app.py": `${KARTA}app = Karta()\n` });
    expect(checked).toMatchObject({ ok: true, features: { handlers: 0, policies: 0, tools: 0 } });
    expect(await readdir(checked.root)).toEqual(["app.py"]);
  });

  test("prints, also from C and from a child process, do not reach the answer", async () => {
    const source = `${KARTA}import os, subprocess\nprint("hello")\nos.write(1, b"raw\\n")\nsubprocess.run(["echo", "{}"])\napp = Karta()\n`;
    expect(await check({ "app.py": source })).toMatchObject({ ok: true });
  });

  test("a thread that the import started does not hold the check", async () => {
    const source = `${KARTA}import threading\nthreading.Thread(target=threading.Event().wait).start()\napp = Karta()\n`;
    expect(await check({ "app.py": source })).toMatchObject({ ok: true });
  });

  test("run by hand, it prints one line of JSON and ends, whatever the app prints and starts", async () => {
    const root = await folderWith({
      "app.py": `${KARTA}import os, threading\nprint("hello")\nos.write(1, b"raw\\n")\nthreading.Thread(target=threading.Event().wait).start()\napp = Karta()\n`,
    });
    const env = {
      ...process.env,
      PYTHONPATH: path.join(packageRoot(), "daemon/apps/python"),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const run = await promisify(execFile)("python3", ["-m", "karta.check", "app:app"], {
      cwd: root,
      env,
      timeout: 20_000,
    });
    expect(JSON.parse(run.stdout)).toMatchObject({ outcome: "loaded" });
    expect(run.stderr).toBe("hello\nraw\n");
  });

  test("packages, dotted modules and dotted attributes", async () => {
    const files = { "shop/__init__.py": "", "shop/bot.py": `${KARTA}class Bots:\n    main = Karta()\n` };
    expect(await check(files, { spec: "shop.bot:Bots.main" })).toMatchObject({ ok: true });
  });

  test("a karta.py of the app's own does not take our package's place", async () => {
    const files = { "karta.py": "raise RuntimeError('shadowed')\n", "app.py": `${KARTA}app = Karta()\n` };
    expect(await check(files)).toMatchObject({ ok: true });
  });

  test("an instance of another copy of the class counts", async () => {
    const files = {
      "copy_of_karta.py":
        "class Karta:\n    def __karta_app__(self):\n        return {'handlers': 2, 'policies': 0, 'tools': 1}\n",
      "app.py": "from copy_of_karta import Karta\napp = Karta()\n",
    };
    expect(await check(files)).toMatchObject({ ok: true, features: { handlers: 2, policies: 0, tools: 1 } });
  });

  test("it sees its bound names and its own HOME, and none of the daemon's secrets", async () => {
    const home = await folderWith();
    const source = `${KARTA}import os\nassert os.environ["ORDERS"] == "here"\nassert os.environ["HOME"] == ${JSON.stringify(home)}\nassert "ANTHROPIC_API_KEY" not in os.environ\napp = Karta()\n`;
    const checked = await check(
      { "app.py": source },
      { home, boundEnv: { ORDERS: "here" }, baseEnv: { PATH: process.env.PATH, ANTHROPIC_API_KEY: "sk-1" } },
    );
    expect(told(checked)).toBe("ok");
  });
});

describe("a Python app that does not load", () => {
  test("no such module", async () => {
    const checked = await check({});
    expect(told(checked)).toBe(
      `there is no module app in ${checked.root} (looked for app/__init__.py, app.py)\ncreate the file, or correct entry_point in karta.toml`,
    );
  });

  test("not module:attribute", async () => {
    expect(told(await check({}, { spec: "app" }))).toContain(
      'entry_point "app" is not of the form module:attribute',
    );
  });

  test("a package that is not installed is named, with the command that installs it", async () => {
    const checked = await check({ "app.py": "import no_such_thing.deep\n" });
    expect(told(checked)).toMatch(
      /^app\.py:1 imports no_such_thing, which is not installed\nrun: \/\S+ -m pip install no_such_thing$/,
    );
  });

  test("a package that pip knows by another name", () => {
    const subject = {
      file: "app.py",
      attribute: "app",
      entryPoint: { spec: "app:app", buildpack: "python" as const },
      install: "python3 -m pip install",
      timeoutMs: 1,
    };
    const missing = { outcome: "dependency_missing" as const, name: "yaml", file: "app.py", line: 1 };
    expect(told(explainOutcome(missing, subject))).toContain(
      "imports yaml, which is not installed\nrun: python3 -m pip install PyYAML",
    );
  });

  test("a file of the app's own that is missing is not for pip", async () => {
    const files = { "shop/__init__.py": "", "app.py": "\nimport shop.orders\n" };
    expect(told(await check(files))).toBe(
      "app.py:2 imports shop.orders, which does not exist\ncorrect the import, or create the file it names",
    );
  });

  test("a module of the app's own with the name of one of Python's", async () => {
    const checked = await check({ "json.py": `${KARTA}app = Karta()\n` }, { spec: "json:app" });
    expect(told(checked)).toMatch(
      /^entry_point "json:app" means another module of that name: .*json\/__init__\.py\nrename json\.py/,
    );
  });

  test("no such attribute: the Karta instances are listed", async () => {
    expect(told(await check({ "app.py": `${KARTA}bot = Karta()\n` }))).toBe(
      'app.py has no app\nthe Karta instances of app.py are bot: write entry_point = "app:bot"',
    );
  });

  test("no such attribute and no instance: a near name, else how to make one", async () => {
    expect(told(await check({ "app.py": "apps = 1\n" }))).toBe(
      "app.py has no app\ndid you mean apps? It must be a Karta instance",
    );
    expect(told(await check({ "app.py": "" }))).toBe(
      "app.py has no app\nadd to app.py: from karta import Karta, then app = Karta()",
    );
  });

  test("an attribute that is something else", async () => {
    expect(told(await check({ "app.py": "app = dict()\n" }))).toContain(
      "app.py: app is an object of type dict, not a Karta instance",
    );
    expect(told(await check({ "app.py": `${KARTA}app = Karta\n` }))).toBe(
      "app.py: app is the class Karta, not a Karta instance\nmake an instance of it: app = Karta()",
    );
  });

  test("a syntax error has its file and line", async () => {
    const checked = await check({ "app.py": "import other\n", "other.py": "x = 1\ndef f(:\n" });
    expect(told(checked)).toBe("other.py:2: SyntaxError: invalid syntax\ncorrect that line");
  });

  test("an exception shows the traceback's last line and where it came from", async () => {
    const checked = await check({ "app.py": "def f():\n    raise ValueError('no orders')\nf()\n" });
    expect(told(checked)).toMatch(/^ValueError: no orders \(app\.py:2\)\n/);
  });

  test("a bound value never shows in a message", async () => {
    const checked = await check(
      { "app.py": "import os\nraise ValueError('bad key ' + os.environ['API_KEY'])\n" },
      { boundEnv: { API_KEY: "sk-very-secret" } },
    );
    expect(told(checked)).toContain("ValueError: bad key <API_KEY> (app.py:2)");
    expect(told(checked)).not.toContain("sk-very-secret");
  });

  test("sys.exit() and os._exit() at import", async () => {
    expect(told(await check({ "app.py": "import sys\nsys.exit(3)\n" }))).toBe(
      "app.py ended its process with code 3 while it was imported\nremove the sys.exit(), or whatever else ends the process, from what runs at import",
    );
    expect(told(await check({ "app.py": "import os\nos.write(2, b'bye\\n')\nos._exit(4)\n" }))).toContain(
      "app.py ended its process with code 4 while it was imported; its last line: bye",
    );
  });

  test("a hang is ended at the deadline", async () => {
    const checked = await check(
      { "app.py": "import threading\nthreading.Event().wait()\n" },
      { timeoutMs: 1500 },
    );
    expect(told(checked)).toContain("app.py was still being imported after 1.5 seconds");
    expect(spawner.live.size).toBe(0);
  });

  test("a flood of output is stopped", async () => {
    const checked = await check({ "app.py": "while True:\n    print('x' * 10000)\n" });
    expect(told(checked)).toContain("app.py printed more than 4 MiB while it was imported, and was stopped");
    expect(spawner.live.size).toBe(0);
  });

  test("a link to a file outside the folder", async () => {
    const root = await folderWith();
    const outside = await folderWith({ "real.py": `${KARTA}app = Karta()\n` });
    await symlink(path.join(outside, "real.py"), path.join(root, "app.py"));
    expect(told(await check({}, { root }))).toContain(
      `app.py is a link to ${outside}/real.py, outside the project's folder`,
    );
  });
});

describe("no Python that will do", () => {
  test("none on the PATH: says what was tried and to install one", async () => {
    const checked = await check({ "app.py": "" }, { baseEnv: { PATH: await folderWith() } });
    expect(told(checked)).toMatch(
      /^no Python 3\.9 or newer was found: python3 is not on the PATH; python is not on the PATH\ninstall Python 3\.9/,
    );
  });

  test("one that is too old is named, and the next candidate is tried", async () => {
    const bin = path.join(await folderWith(), "bin");
    await mkdir(bin);
    const old = `#!/bin/sh\necho '{"version": [3, 8, 1], "executable": "/x", "user_base": null}'\n`;
    await writeFile(path.join(bin, "python3"), old);
    await writeFile(path.join(bin, "python"), "#!/bin/sh\necho no such version >&2\nexit 127\n");
    for (const name of ["python3", "python"]) await chmod(path.join(bin, name), 0o755);
    expect(told(await check({ "app.py": "" }, { baseEnv: { PATH: bin } }))).toContain(
      "python3 is Python 3.8.1; python exited with code 127: no such version",
    );
  });
});
