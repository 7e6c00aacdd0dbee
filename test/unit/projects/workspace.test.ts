import { execFile } from "node:child_process";
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { chmod, lstat, mkdir, readFile, readdir, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { readProject } from "../../../daemon/projects/read-project.ts";
import {
  Workspaces,
  type WorkspaceProject,
  type WorkspacesOptions,
} from "../../../daemon/projects/workspace.ts";
import { folderWith, silent, spawnerForTests } from "../apps/temp-project.ts";
import { refusalOf } from "./refusal.ts";

const spawner = spawnerForTests();
const SESSION = "sess_0123456789abcdefghijkl";
const OTHER = "sess_abcdefghijkl0123456789";

async function workspaces(options: Partial<WorkspacesOptions> = {}) {
  const stateHome = await folderWith();
  const made = new Workspaces({
    stateHome,
    spawner,
    logger: silent,
    baseEnv: { PATH: process.env.PATH },
    ...options,
  });
  return { stateHome, workspaces: made };
}

async function projectAt(root: string): Promise<WorkspaceProject> {
  const { definition } = await readProject(root, {
    daemonEnv: { TOKEN: "very-secret" },
    homedir: "/nowhere",
  });
  return { name: "bot", definition };
}

async function project(
  mode: "shared" | "session",
  files: Record<string, string> = {},
): Promise<WorkspaceProject> {
  const setup = "setup.sh" in files ? '[environment]\nsetup = "setup.sh"\n' : "";
  const toml = `${setup}[env]\nTOKEN = {}\n[runtime]\nworkspace = "${mode}"\n`;
  return projectAt(await folderWith({ "CLAUDE.md": "hello", "karta.toml": toml, ...files }));
}

const read = (...names: string[]) => readFile(path.join(...names), "utf8");
const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

describe("a shared workspace", () => {
  test("a note of its setup that a crash left half-written: it is set up once more, and nothing of it is left", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("shared", { "setup.sh": "#!/bin/sh\necho again >> set-up\n" });
    const folder = path.join(stateHome, "workspaces/bot/shared");
    await mkdir(folder, { recursive: true });
    for (const end of ["", ".unfinished"]) await writeFile(`${folder}/setup.json${end}`, '{"root":');
    for (const session of [SESSION, OTHER]) await made.prepare(bot, session);
    expect(await read(bot.definition.root, "set-up")).toBe("again\n");
    expect((await readdir(folder)).sort()).toEqual(["home", "setup.json"]);
  });

  test("is the folder itself, with a private HOME outside it", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("shared");
    const { cwd, home } = await made.prepare(bot, SESSION);
    expect(cwd).toBe(bot.definition.root);
    expect(home).toBe(path.join(stateHome, "workspaces/bot/shared/home"));
    expect(await modeOf(home)).toBe(0o700);
    expect(await made.prepare(bot, OTHER)).toEqual({ cwd, home });
  });

  test("whose folder is gone says so", async () => {
    const { workspaces: made } = await workspaces();
    const bot = await project("shared");
    const gone = { ...bot, definition: { ...bot.definition, root: "/no/such/folder" } };
    const error = await refusalOf(made.prepare(gone, SESSION));
    expect(error.code).toBe("harness_unavailable");
    expect(error.message).toBe(
      "no workspace could be made for project bot from /no/such/folder: it does not exist (ENOENT)",
    );
  });
});

describe("a session's workspace", () => {
  test("is a copy of its own, with modes, .git and node_modules", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("session", {
      ".git/HEAD": "ref",
      "node_modules/x/index.js": "1",
      "run.sh": "#!/bin/sh\n",
    });
    await chmod(path.join(bot.definition.root, "run.sh"), 0o755);
    const one = await made.prepare(bot, SESSION);
    const two = await made.prepare(bot, OTHER);
    expect(one).toEqual({
      cwd: path.join(stateHome, "workspaces/bot", SESSION, "files"),
      home: path.join(stateHome, "workspaces/bot", SESSION, "home"),
    });
    expect(await modeOf(path.dirname(one.cwd))).toBe(0o700);
    expect(await modeOf(path.join(one.cwd, "run.sh"))).toBe(0o755);
    expect(await read(one.cwd, ".git/HEAD")).toBe("ref");
    expect(await read(one.cwd, "node_modules/x/index.js")).toBe("1");

    await writeFile(path.join(one.cwd, "CLAUDE.md"), "changed");
    expect(await read(two.cwd, "CLAUDE.md")).toBe("hello");
    expect(await read(bot.definition.root, "CLAUDE.md")).toBe("hello");
    await made.prepare(bot, SESSION);
    expect(await read(one.cwd, "CLAUDE.md")).toBe("changed");
  });

  test("keeps links within the folder, pointing into the copy, and leaves out those that leave it, with a word in the log", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const { workspaces: made } = await workspaces({ logger });
    const outside = await folderWith({ secret: "s" });
    const bot = await project("session", { "docs/a.md": "a" });
    const { root } = bot.definition;
    await symlink("docs/a.md", path.join(root, "relative"));
    await symlink(path.join(root, "docs"), path.join(root, "absolute"));
    await symlink(path.join(outside, "secret"), path.join(root, "leaves"));
    await symlink("leaves", path.join(root, "by-way-of"));
    await symlink("../..", path.join(root, "docs", "up"));
    await symlink("later", path.join(root, "to-nothing"));
    await promisify(execFile)("mkfifo", [path.join(root, "pipe")]);

    const { cwd } = await made.prepare(bot, SESSION);
    expect(await readlink(path.join(cwd, "relative"))).toBe("docs/a.md");
    expect(await readlink(path.join(cwd, "absolute"))).toBe("docs");
    expect(await readlink(path.join(cwd, "to-nothing"))).toBe("later");
    expect(await readdir(cwd)).not.toEqual(expect.arrayContaining(["leaves"]));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      project: "bot",
      left_out: ["by-way-of", "docs/up", "leaves", "pipe"],
    });
  });

  test("half a copy that a crash left behind is removed and made anew", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("session");
    const folder = path.join(stateHome, "workspaces/bot", SESSION);
    await mkdir(path.join(folder, "files.unfinished-proc_x"), { recursive: true });
    await made.prepare(bot, SESSION);
    expect((await readdir(folder)).sort()).toEqual(["files", "home", "setup.json"]);
  });

  test("a copy that fails leaves nothing, and says why", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("session");
    const gone = { ...bot, definition: { ...bot.definition, root: "/no/such/folder" } };
    expect((await refusalOf(made.prepare(gone, SESSION))).message).toContain("it does not exist (ENOENT)");
    expect(await readdir(path.join(stateHome, "workspaces/bot", SESSION))).toEqual(["home"]);
  });

  test("Karta's state inside the project's folder is refused with a way out", async () => {
    const bot = await project("session");
    const { workspaces: made } = await workspaces({ stateHome: path.join(bot.definition.root, ".state") });
    expect((await refusalOf(made.prepare(bot, SESSION))).message).toContain(
      "set KARTA_HOME to another place",
    );
  });

  test("discard removes it and leaves the others and the folder; discardProject removes all", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("session");
    await made.prepare(bot, SESSION);
    await made.prepare(bot, OTHER);
    await made.discard("bot", SESSION);
    expect(await readdir(path.join(stateHome, "workspaces/bot"))).toEqual([OTHER]);
    await made.discard("bot", SESSION);
    await made.discardProject("bot");
    expect(await readdir(path.join(stateHome, "workspaces"))).toEqual([]);
    expect(await read(bot.definition.root, "CLAUDE.md")).toBe("hello");
    await expect(made.discard("bot", "../other")).rejects.toThrow("not a workspace's name");
  });
});

describe("the setup script", () => {
  const COUNT = 'echo "$HOME" >> ran\n';

  test("runs once, in the workspace's files, before the workspace is handed out; callers that come meanwhile share it", async () => {
    const { workspaces: made } = await workspaces();
    const bot = await project("session", { "setup.sh": COUNT });
    const [one, two] = await Promise.all([made.prepare(bot, SESSION), made.prepare(bot, SESSION)]);
    await made.prepare(bot, SESSION);
    expect(two).toEqual(one);
    expect(await read(one.cwd, "ran")).toBe(`${one.home}\n`);
    const other = await made.prepare(bot, OTHER);
    expect(await read(other.cwd, "ran")).toBe(`${other.home}\n`);
    await expect(lstat(path.join(bot.definition.root, "ran"))).rejects.toThrow("ENOENT");
  });

  test("does not run again in a private copy, whose script is the agent's to edit", async () => {
    const { workspaces: made } = await workspaces();
    const bot = await project("session", { "setup.sh": COUNT });
    const { cwd, home } = await made.prepare(bot, SESSION);
    await writeFile(path.join(cwd, "setup.sh"), `${COUNT}# edited\n`);
    await made.prepare(bot, SESSION);
    expect(await read(cwd, "ran")).toBe(`${home}\n`);
  });

  test("runs again in a shared workspace when it was edited, and after a restart only then", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("shared", { "setup.sh": COUNT });
    const { root } = bot.definition;
    await Promise.all([made.prepare(bot, SESSION), made.prepare(bot, OTHER)]);
    const { workspaces: restarted } = await workspaces({ stateHome });
    await restarted.prepare(bot, SESSION);
    expect((await read(root, "ran")).split("\n")).toHaveLength(2);
    await writeFile(path.join(root, "setup.sh"), `${COUNT}# edited\n`);
    await restarted.prepare(bot, SESSION);
    expect((await read(root, "ran")).split("\n")).toHaveLength(3);
  });

  test("runs again when the name was given to another folder", async () => {
    const { workspaces: made } = await workspaces();
    await made.prepare(await project("shared", { "setup.sh": COUNT }), SESSION);
    const second = await project("shared", { "setup.sh": COUNT });
    await made.prepare(second, SESSION);
    expect(await read(second.definition.root, "ran")).not.toBe("");
  });

  test("gets a small environment, its bound names among it", async () => {
    const baseEnv = { PATH: process.env.PATH, LANG: "C.UTF-8", ANTHROPIC_API_KEY: "sk-1" };
    const { workspaces: made } = await workspaces({ baseEnv });
    const bot = await project("session", { "setup.sh": "env > env.txt\n" });
    const { cwd } = await made.prepare(bot, SESSION);
    const names = (await read(cwd, "env.txt")).split("\n").map((line) => line.split("=")[0]);
    expect(names.filter((name) => !["", "_", "PWD", "SHLVL", "OLDPWD"].includes(name ?? "")).sort()).toEqual([
      "HOME",
      "KARTA_INSTANCE",
      "KARTA_PROCESS",
      "LANG",
      "PATH",
      "TOKEN",
    ]);
  });

  test("is run by its own interpreter when it is executable, and by a shell when it says none", async () => {
    const { workspaces: made } = await workspaces();
    const source = '#!/usr/bin/env python3\nopen("by", "w").write("python")\n';
    const bot = await project("session", { "setup.sh": source });
    await chmod(path.join(bot.definition.root, "setup.sh"), 0o755);
    expect(await read((await made.prepare(bot, SESSION)).cwd, "by")).toBe("python");
    const plain = await project("session", { "setup.sh": "printf shell > by\n" });
    await chmod(path.join(plain.definition.root, "setup.sh"), 0o755);
    expect(await read((await made.prepare(plain, OTHER)).cwd, "by")).toBe("shell");
  });

  test("that fails: the script, its exit and its last line, without a bound value; the next caller tries again", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("session", {
      "setup.sh": 'echo first; test -e ok || { echo "no $TOKEN" >&2; exit 7; }\n',
    });
    const error = await refusalOf(made.prepare(bot, SESSION));
    expect(error.code).toBe("harness_unavailable");
    expect(error.message).toBe(
      "the project's setup script setup.sh exited with code 7; its last line: no <TOKEN>",
    );
    expect(String(error.cause)).toContain("first\nno <TOKEN>");
    const files = path.join(stateHome, "workspaces/bot", SESSION, "files");
    await writeFile(path.join(files, "ok"), "");
    expect(await made.prepare(bot, SESSION)).toMatchObject({ cwd: files });
  });

  test("that does not end is ended at its deadline, with all it started", async () => {
    const { workspaces: made } = await workspaces({ setupTimeoutMs: 500 });
    const bot = await project("session", { "setup.sh": "echo waiting\nsleep 1000 &\nwait\n" });
    expect((await refusalOf(made.prepare(bot, SESSION))).message).toBe(
      "the project's setup script setup.sh did not end within 0.5 seconds; its last line: waiting",
    );
    expect(spawner.live.size).toBe(0);
  });

  test("is ended when its workspace is discarded", async () => {
    const { workspaces: made, stateHome } = await workspaces();
    const bot = await project("shared", { "setup.sh": "echo up > started\nsleep 1000\n" });
    const started = path.join(bot.definition.root, "started");
    await promisify(execFile)("mkfifo", [started]);
    // Read and write, so that opening it does not wait and a script that never starts cannot hold the test's process.
    const pipe = new Socket({
      fd: openSync(started, constants.O_RDWR | constants.O_NONBLOCK),
      readable: true,
    });
    const refusal = refusalOf(made.prepare(bot, SESSION));
    await once(pipe, "data");
    pipe.destroy();
    await made.discardProject("bot");
    expect((await refusal).message).toBe(
      "the project's setup script setup.sh was stopped, since its workspace was discarded; it printed nothing",
    );
    expect(await readdir(path.join(stateHome, "workspaces"))).toEqual([]);
    expect(spawner.live.size).toBe(0);
  });
});
