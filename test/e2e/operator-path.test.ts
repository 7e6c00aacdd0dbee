/**
 * A new operator's path on a machine that has never seen Karta: the README's own lines in an empty HOME, the real CLI, the real
 * kartad. Of systemd there is what reads and checks a unit where the machine has it, and a stand-in that runs what the units say.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { execa, execaSync } from "execa";
import { z } from "zod";
import { packageRoot } from "../../shared/paths.ts";
import { StatusSchema } from "../../shared/protocol/control.ts";
import { DoctorReportSchema } from "../../shared/protocol/doctor.ts";
import { CreatedKeySchema } from "../../shared/protocol/keys.ts";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { observeKarta } from "../support/contract/observer.ts";
import { rawRequest } from "../support/http.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";
import { bearer } from "../support/keys.ts";
import { processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

const root = packageRoot();
const readme = readFileSync(path.join(root, "README.md"), "utf8");

let home: TestHome;
let env: Record<string, string>;
let port: number;
let manager: ChildProcess;

beforeAll(async () => {
  home = makeHome();
  port = await freePort();
  const stand = path.join(home.folder, "stand-in");
  const asked = path.join(stand, "orders.sock");
  const program = path.join(root, "test/fixtures/small-systemd.py");
  mkdirSync(stand);
  for (const name of ["systemctl", "loginctl"])
    copyFileSync(path.join(root, "test/fixtures/systemctl.sh"), path.join(stand, name));
  writeFileSync(path.join(stand, "does"), `#!/bin/sh\nexec python3 "${program}" ask "${asked}" "$@"\n`, {
    mode: 0o755,
  });
  env = {
    HOME: home.folder,
    PATH: `${stand}:${path.join(home.folder, ".local/bin")}:${process.env.PATH ?? ""}`,
    FAKE_SYSTEMD: stand,
    KARTA_PORT: String(port), // 8000 may be another's on a machine that tests
    ANTHROPIC_API_KEY: "sk-ant-planted",
  };
  const units = path.join(home.folder, ".config/systemd/user");
  manager = spawn("python3", [program, "serve", units, asked], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH, HOME: home.folder },
  });
  if (manager.stdout !== null) await once(manager.stdout, "data");
});
afterAll(async () => {
  manager.stdin?.end();
  if (manager.exitCode === null) await once(manager, "exit");
  await home.remove();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A line as an operator types it, in their home. */
async function shell(line: string, cwd = home.folder) {
  const { exitCode, stdout, stderr } = await execa(line, {
    shell: true,
    cwd,
    env,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  return { code: exitCode ?? -1, stdout, stderr };
}

async function readmeLine(words: string): Promise<string> {
  const line = readme.split("\n").find((one) => one.startsWith(words));
  if (line === undefined) throw new Error(`the README has no line that begins with ${words}`);
  return Promise.resolve(line.replace(/ +#.*$/, ""));
}

const create = async (headers: Record<string, string> = {}, address = "127.0.0.1") =>
  (
    await fetch(`http://${address}:${port}/v1/sessions`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: "{}",
    })
  ).status;

test("the README's line puts karta on the PATH, and there is nothing of Karta in the home yet", async () => {
  mkdirSync(path.join(home.folder, ".local/bin"), { recursive: true });
  expect(await shell(await readmeLine("ln -s "), root)).toMatchObject({ code: 0 });
  expect((await shell("karta --version")).stdout).toMatch(/^karta\/\d/);
  expect(await shell("karta status")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("start one with `karta start`"),
  });
  expect(await shell("karta service status")).toMatchObject({ code: 4 });
  expect(readdirSync(home.folder)).not.toContain(".karta");
});

test("an old Node hands over to the one that a clone brings along, with arguments and exit code", async () => {
  const old = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})";
  const node = `"${process.execPath}" --import "data:text/javascript,${old}"`;
  const launcher = path.join(root, "cli/bin/karta.js");
  expect((await shell(`${node} ${launcher} --version`)).stdout).toMatch(/node-v2[4-9]/);
  expect(await shell(`${node} ${launcher} status`)).toMatchObject({ code: 3 });
});

test("the service is installed by units that systemd has nothing against, and runs what they say", async () => {
  const { code, stdout, stderr } = await shell("karta service install --offline");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`kartad runs as a service at http://127.0.0.1:${port}`);
  expect(stdout).toMatch(/model's key belongs in \/.*kartad\.env/);
  await observeKarta(`http://127.0.0.1:${port}`);
  const units = path.join(home.folder, ".config/systemd/user");
  const files = readdirSync(units).map((name) => path.join(units, name));
  expect(files).toHaveLength(3);
  const verified = execaSync("systemd-analyze", ["verify", "--man=no", "--user", ...files], {
    env: { XDG_RUNTIME_DIR: home.folder, HOME: home.folder },
    reject: false,
  });
  if (verified.code === "ENOENT")
    process.stderr.write("no systemd-analyze on this machine: units not verified\n");
  else expect([verified.exitCode, verified.stderr]).toEqual([0, ""]);
  for (const file of files) expect(readFileSync(file, "utf8")).not.toContain("sk-ant-planted");

  const status = StatusSchema.parse(JSON.parse((await shell("karta status --json")).stdout));
  expect(status).toMatchObject({ service: "user", url: `http://127.0.0.1:${port}`, offline: true });
  expect(await shell("karta service status")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("active (running)"),
  });
  const doctor = await shell("karta doctor --json");
  const { checks } = DoctorReportSchema.parse(JSON.parse(doctor.stdout));
  expect(checks.filter(({ state }) => state === "problem")).toEqual([]);
  expect(doctor.code).toBe(0);
  expect(checks.find(({ name }) => name === "service")?.found).toContain("active (running)");
  expect(checks.find(({ name }) => name === "keys")?.found).toContain("none: HTTP answers every program");
});

test("a second kartad is not started beside it, and the words say whose the first is", async () => {
  expect(await shell("karta start")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("already running"),
  });
  const { code, stderr } = await shell("karta serve");
  expect(code).toBe(DAEMON_EXIT.already_running);
  expect(stderr).toMatch(/another kartad.*`karta stop`/);
});

test("0.0.0.0 is refused without a key, before anything changes, and works with one", async () => {
  cpApp();
  const added = await shell("karta project add app support-bot");
  expect([added.code, added.stderr]).toEqual([0, ""]);
  expect(await create()).toBe(201);
  for (const line of ["karta service install --offline --host 0.0.0.0", "karta restart --host 0.0.0.0"]) {
    const refused = await shell(line);
    expect([line, refused.code]).toEqual([line, 5]);
    expect(refused.stderr).toMatch(/karta keys create NAME|karta service install --host 0\.0\.0\.0/);
  }
  expect(await create()).toBe(201);

  const made = await shell("karta keys create backend --project support-bot --json");
  const { key } = CreatedKeySchema.parse(JSON.parse(made.stdout));
  expect(await shell("karta service install --offline --host 0.0.0.0")).toMatchObject({ code: 0 });
  const addresses = Object.values(os.networkInterfaces()).flatMap((all = []) =>
    all.filter(({ family }) => family === "IPv4").map(({ address }) => address),
  );
  for (const address of new Set(addresses)) {
    expect([address, await create({}, address)]).toEqual([address, 401]);
    expect([address, await create(bearer(key), address)]).toEqual([address, 201]);
  }
  expect(addresses.length).toBeGreaterThan(0);
});

test("a restart drains and comes back on the same sockets: who asks meanwhile waits, and is answered", async () => {
  const before = StatusSchema.parse(JSON.parse((await shell("karta status --json")).stdout));
  const statuses: number[] = [];
  const over = new AbortController();
  const asking = (async () => {
    while (!over.signal.aborted) statuses.push((await rawRequest(port, "GET", "/healthz")).status);
  })();
  const restarted = await shell("karta restart --json");
  over.abort();
  await asking;
  const after = StatusSchema.parse(JSON.parse(restarted.stdout));
  expect(after.pid).not.toBe(before.pid);
  expect(after.service).toBe("user");
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test("a backup says what is not in it, and the service goes with all its files but the state", async () => {
  const backup = await shell("karta backup karta.backup --json");
  const { left_out } = z.object({ left_out: z.array(z.string()) }).parse(JSON.parse(backup.stdout));
  expect(left_out).toContain(path.join(home.folder, ".local/state/karta/keys"));
  expect((await shell("karta backup other.backup")).stdout).toMatch(/Not in it: project folders.*keys/);
  expect(await shell("karta service uninstall")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("its state stays"),
  });
  expect(readdirSync(path.join(home.folder, ".config/systemd/user"))).toEqual([]);
  expect(await shell("karta status")).toMatchObject({ code: 3 });
  expect(processesWith(home.folder).filter(({ command }) => command.includes("kartad"))).toEqual([]);
});

function cpApp(): void {
  home.project("app", { "CLAUDE.md": "# A bot", "offline.toml": '[default]\ntext = "ok"\n' });
}
