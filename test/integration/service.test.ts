/** `karta service` and what a service changes for other commands, with a stand-in for systemctl that writes down what it is asked. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { packageRoot } from "../../shared/paths.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";
import { processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

let home: TestHome;
let systemd: string;
let units: string;
beforeEach(() => {
  home = makeHome();
  systemd = path.join(home.folder, "systemd");
  units = path.join(home.folder, ".config/systemd/user");
  mkdirSync(path.join(systemd, "bin"), { recursive: true });
  for (const name of ["systemctl", "loginctl"]) {
    copyFileSync(path.join(packageRoot(), "test/fixtures/systemctl.sh"), path.join(systemd, "bin", name));
    chmodSync(path.join(systemd, "bin", name), 0o755);
  }
});
afterEach(() => home.remove());

async function karta(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = path.join(packageRoot(), "cli/bin/karta.js");
  const result = await execa(process.execPath, [program, ...args], {
    env: {
      PATH: `${path.join(systemd, "bin")}:${process.env.PATH ?? ""}`,
      HOME: home.folder,
      KARTA_HOME: home.state,
      KARTA_SOCKET: home.socket,
      KARTA_CONFIG_HOME: path.join(home.folder, "config"),
      FAKE_SYSTEMD: systemd,
      ANTHROPIC_API_KEY: "sk-planted",
    },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

const asked = (): string[] => {
  const file = path.join(systemd, "asked");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
};
const forget = () => writeFileSync(path.join(systemd, "asked"), "");
/** What a manager would start, but for the unit. */
const KARTAD = `${process.execPath} ${path.join(packageRoot(), "daemon/bin/kartad.js")} --offline --port 0`;
const ALL = "kartad-http.socket kartad-control.socket kartad.service";

describe("karta service", () => {
  test("install --dry-run prints the units, asks nobody and writes nothing", async () => {
    const { code, stdout } = await karta("service", "install", "--dry-run", "--port", "8123");
    expect(code).toBe(0);
    expect(stdout).toContain("ListenStream=127.0.0.1:8123");
    expect(stdout).toContain(`# ${path.join(units, "kartad.service")}`);
    expect(stdout).not.toContain("sk-planted");
    expect(asked()).toEqual([]);
    expect(existsSync(units)).toBe(false);
  });

  test("install writes, enables and starts; again it changes nothing; another port is written and bound anew", async () => {
    expect(await karta("service", "install")).toMatchObject({ code: 0 });
    expect(readdirSync(units).sort()).toEqual([
      "kartad-control.socket",
      "kartad-http.socket",
      "kartad.service",
    ]);
    const start = ["--user start kartad-http.socket kartad-control.socket", "--user start kartad.service"];
    expect(asked().filter((line) => !line.includes("show"))).toEqual([
      "--user daemon-reload",
      `--user enable ${ALL}`,
      `--user stop ${ALL}`,
      ...start,
    ]);
    const environmentFile = path.join(home.state, "kartad.env");
    expect(statSync(environmentFile).mode & 0o777).toBe(0o600);

    forget();
    writeFileSync(environmentFile, "ANTHROPIC_API_KEY=mine\n");
    const again = JSON.parse((await karta("service", "install", "--json")).stdout) as { changed: boolean };
    expect(again.changed).toBe(false);
    expect(asked()).not.toContain(`--user stop ${ALL}`); // a running kartad is left alone
    expect(asked()).toEqual(expect.arrayContaining(start));
    expect(readFileSync(environmentFile, "utf8")).toBe("ANTHROPIC_API_KEY=mine\n");

    forget();
    expect((await karta("service", "install", "--port", "9000")).code).toBe(0);
    expect(readFileSync(path.join(units, "kartad-http.socket"), "utf8")).toContain("127.0.0.1:9000");
    expect(asked()).toContain(`--user stop ${ALL}`);
  });

  test("uninstall stops it and takes the units away; the state stays; again it is no error", async () => {
    await karta("service", "install");
    writeFileSync(path.join(home.state, "karta.db"), "mine");
    forget();
    expect(await karta("service", "uninstall")).toMatchObject({ code: 0 });
    expect(asked()).toContain(`--user disable --now ${ALL}`);
    expect(readdirSync(units)).toEqual([]);
    expect(readFileSync(path.join(home.state, "karta.db"), "utf8")).toBe("mine");
    expect(await karta("service", "uninstall")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("There is no service"),
    });
  });

  test("without a manager that answers nothing is written, and the next steps are told", async () => {
    writeFileSync(path.join(systemd, "no-bus"), "");
    const { code, stderr } = await karta("service", "install");
    expect(code).toBe(5);
    expect(stderr).toMatch(/No medium found.*loginctl enable-linger.*XDG_RUNTIME_DIR.*karta start/);
    expect(existsSync(units)).toBe(false);
  });

  test("a start that fails is told with what systemd says and where the reason stands", async () => {
    writeFileSync(path.join(systemd, "fails-start"), "");
    const { code, stderr } = await karta("service", "install");
    expect(code).toBe(1);
    expect(stderr).toMatch(/Job for kartad.service failed.*journalctl --user -u kartad/);
  });

  test("a start that trying again does not mend is told by its reason, and nothing goes on listening", async () => {
    writeFileSync(path.join(systemd, "shows"), "ExecMainCode=1\nExecMainStatus=14\n");
    const does = '#!/bin/sh\ncase "$*" in *"start kartad.service") exit 1;; esac\n'; // the sockets do open
    writeFileSync(path.join(systemd, "does"), does, { mode: 0o755 });
    const { code, stderr } = await karta("service", "install", "--host", "0.0.0.0");
    expect(code).toBe(1);
    expect(stderr).toMatch(/others could reach the address.*karta keys create.*exit code 14/);
    expect(asked().slice(-2)).toEqual([`--user stop ${ALL}`, `--user disable ${ALL}`]);
  });

  test("a unit whose Node or Karta is gone is told by status, and mended by install", async () => {
    await karta("service", "install");
    const unit = path.join(units, "kartad.service");
    const whole = readFileSync(unit, "utf8");
    writeFileSync(unit, whole.replace(`ExecStart="${process.execPath}"`, 'ExecStart="/opt/100%%/node-23"'));
    const told = JSON.parse((await karta("service", "status", "--json")).stdout) as { gone: string[] };
    expect(told.gone).toEqual(["/opt/100%/node-23"]);
    expect((await karta("service", "status")).stdout).toMatch(/node-23 is gone.*karta service install/);
    await karta("service", "install");
    expect(readFileSync(unit, "utf8")).toBe(whole);
    expect((await karta("service", "status", "--json")).stdout).toContain('"gone": []');
  });

  test("beside a kartad that was started by hand it is not installed: systemd would take its socket", async () => {
    const kartad = await home.start();
    const { code, stderr } = await karta("service", "install");
    expect(code).toBe(5);
    expect(stderr).toContain("`karta stop`");
    expect(existsSync(units)).toBe(false);
    expect((await fetch(`${kartad.url}/readyz`)).status).toBe(200);
  });

  test("status: not installed is 4, failed is 3 with the way to its reason, running is 0 with its address", async () => {
    expect(await karta("service", "status")).toMatchObject({
      code: 4,
      stdout: expect.stringContaining("karta service install"),
    });
    await karta("service", "install");
    const shows = (lines: readonly string[]) =>
      writeFileSync(path.join(systemd, "shows"), `${lines.join("\n")}\n`);
    shows([
      "LoadState=loaded",
      "ActiveState=failed",
      "SubState=failed",
      "UnitFileState=enabled",
      "MainPID=0",
      "Result=exit-code",
    ]);
    const failed = await karta("service", "status");
    expect(failed.code).toBe(3);
    expect(failed.stdout).toMatch(/failed \(failed\)[\s\S]*journalctl --user -u kartad/);
    shows([
      "LoadState=loaded",
      "ActiveState=failed",
      "Result=exit-code",
      "ExecMainCode=1",
      "ExecMainStatus=13",
    ]);
    expect((await karta("service", "status")).stdout).toContain("written by a newer kartad");
    const kartad = await home.start();
    shows([
      "LoadState=loaded",
      "ActiveState=active",
      "SubState=running",
      "UnitFileState=enabled",
      `MainPID=${kartad.pid}`,
      "Result=success",
    ]);
    const { code, stdout } = await karta("service", "status", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      installed: true,
      state: "active (running)",
      enabled: true,
      pid: kartad.pid,
      answers: true,
      url: kartad.url,
      notes: [expect.stringContaining("enable-linger")],
    });
  });
});

describe("a kartad that runs as a service", () => {
  test("is stopped by its manager, sockets included: the next connection would start it again", async () => {
    const kartad = await home.start({ env: { KARTA_SERVICE: "user" } });
    writeFileSync(
      path.join(systemd, "does"),
      `#!/bin/sh\ncase "$*" in *stop*) kill -TERM ${kartad.pid};; esac\n`,
      { mode: 0o755 },
    );
    expect(await karta("stop")).toMatchObject({ code: 0 });
    expect(await kartad.exited).toMatchObject({ code: 0 });
    expect(asked()).toEqual([`--user stop ${ALL}`]);
  });

  test("is restarted by its manager, and by no other settings than its unit's", async () => {
    const kartad = await home.start({ env: { KARTA_SERVICE: "user" } });
    expect(await karta("restart", "--port", "9999")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("karta service install --port 9999"),
    });
    writeFileSync(
      path.join(systemd, "does"),
      `#!/bin/sh
kill -TERM ${kartad.pid}
while kill -0 ${kartad.pid} 2>/dev/null; do sleep 0.05; done
KARTA_SERVICE=user ${KARTAD} </dev/null >/dev/null 2>&1 &
`,
      { mode: 0o755 },
    );
    const { code, stdout } = await karta("restart", "--json");
    expect(code).toBe(0);
    const { pid } = JSON.parse(stdout) as { pid: number };
    expect(asked()).toEqual(["--user restart kartad.service"]);
    expect(pid).not.toBe(kartad.pid);
    process.kill(pid, "SIGKILL"); // the manager's child, not ours
  });

  test("that is installed and stopped is started by `karta start`, not beside its service", async () => {
    await karta("service", "install");
    forget();
    expect(await karta("start", "--port", "9999")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("karta service install --port 9999"),
    });
    const script = `#!/bin/sh\ncase "$*" in *start\\ kartad.service) KARTA_SERVICE=user ${KARTAD} </dev/null >/dev/null 2>&1 & esac\n`;
    writeFileSync(path.join(systemd, "does"), script, { mode: 0o755 });
    const { code, stdout } = await karta("start", "--json");
    expect(code).toBe(0);
    const { pid, service } = JSON.parse(stdout) as { pid: number; service: string };
    expect(service).toBe("user");
    expect(asked()).toEqual([
      "--user start kartad-http.socket kartad-control.socket",
      "--user start kartad.service",
    ]);
    process.kill(pid, "SIGKILL"); // the manager's child, not ours
  });

  test("counts as started when it answers, and as failed when it ends before", async () => {
    const kartad = await home.start();
    expect(await karta("service", "wait", "--pid", String(kartad.pid))).toMatchObject({ code: 0 });
    const waiting = karta("service", "wait", "--pid", String(process.pid), "--timeout", "1");
    expect(await waiting).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("has not answered within 1 s"),
    });
    await kartad.kill();
    expect(await karta("service", "wait", "--pid", String(kartad.pid))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ended before it answered"),
    });
    expect(processesWith(home.folder)).toEqual([]);
  });
});
