/** What `karta service install` writes, read by those who will read it: systemd itself, and a real property list parser. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { launchdPlist, plistHasSocket } from "../../../cli/service/launchd-plist.ts";
import { serviceSettings, type ServiceSettings } from "../../../cli/service/settings.ts";
import { systemdUnits, unitHasSocket } from "../../../cli/service/systemd-units.ts";
import type { KartadFlags } from "../../../cli/kartad/flags.ts";
import { packageRoot } from "../../../shared/paths.ts";
import type { Service } from "../../../shared/protocol/control.ts";
import { folderWith } from "../apps/temp-project.ts";

const HOME = await folderWith();

function settings(
  kind: Service,
  flags: KartadFlags & { readonly socket?: string } = {},
  env: Readonly<Record<string, string>> = {},
  homedir = HOME,
): ServiceSettings {
  const platform = kind === "launchd" ? "darwin" : "linux";
  const given = { PATH: "/usr/bin:/bin", XDG_RUNTIME_DIR: "/run/user/1000", ...env };
  return serviceSettings(kind, flags, { env: given, homedir, platform });
}

/** The lines of a unit's section: `Key` → its values. */
function keysOf(text: string, section: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current = "";
  for (const line of text.split("\n")) {
    current = /^\[(.+)\]$/.exec(line)?.[1] ?? current;
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (current === section && key !== undefined) found.set(key, [...(found.get(key) ?? []), value ?? ""]);
  }
  return found;
}

const hasSystemd = (() => {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("skipped: systemd-analyze is not on this machine, so no unit was verified\n");
    return false;
  }
})();

/** What systemd says of units; empty when it has nothing against them. It exits with 0 for a key that it does not know. */
async function saidBySystemd(
  kind: "user" | "system",
  units: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await folderWith(units);
  const files = Object.keys(units).map((name) => path.join(folder, name));
  const args = ["verify", "--man=no", ...(kind === "user" ? ["--user"] : []), ...files];
  const run = promisify(execFile)("systemd-analyze", args, {
    env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: folder, HOME: folder },
  });
  return run.then(
    ({ stderr }) => stderr,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe("systemd's units", () => {
  const odd: Readonly<Record<string, string>> = {
    PATH: '/opt/with space/bin:/opt/100%:/opt/$HOME:/opt/"quoted"/bin:relative/bin',
    KARTA_HOME: path.join(HOME, 'a "state" of $HOME, 100% \\ mine'),
  };

  (hasSystemd ? test : test.skip).each<["user" | "system", KartadFlags, Readonly<Record<string, string>>]>([
    ["user", {}, {}],
    ["system", {}, {}],
    ["user", { host: "::1", port: 9000, offline: true, insecure: true, "log-level": "debug" }, odd],
    ["system", { host: "0.0.0.0", insecure: true }, {}],
  ])("pass `systemd-analyze verify`: %s %j", async (kind, flags, env) => {
    expect(await saidBySystemd(kind, systemdUnits(settings(kind, flags, env)))).toBe("");
  });

  (hasSystemd ? test : test.skip)("that are wrong do not pass: the check is one", async () => {
    const units = systemdUnits(settings("user"));
    const service = units["kartad.service"] ?? "";
    const said = await saidBySystemd("user", {
      ...units,
      "kartad.service": service
        .replace("RestartSec", "RestartSecs")
        .replace('ExecStart="', 'ExecStart="/nowhere'),
    });
    expect(said).toContain("RestartSecs");
    expect(said).toContain("/nowhere");
  });

  test("run this very Node by its absolute path, ready when it answers, restarted after failures that may pass", () => {
    const unit = systemdUnits(settings("user"))["kartad.service"] ?? "";
    const service = keysOf(unit, "Service");
    const kartad = path.join(packageRoot(), "daemon/bin/kartad.js");
    expect(service.get("ExecStart")).toEqual([`"${process.execPath}" "--max-semi-space-size=8" "${kartad}"`]);
    expect(service.get("ExecStartPost")?.[0]).toMatch(/"service" "wait" "--pid" \$MAINPID$/);
    expect(service.get("Restart")).toEqual(["on-failure"]);
    expect(service.get("RestartPreventExitStatus")).toEqual(["2 11 13 14 15"]);
    expect(service.get("KillMode")).toEqual(["mixed"]); // kartad drains; its agents get no SIGTERM of their own
    expect(service.has("MemoryDenyWriteExecute")).toBe(false); // Bun and V8 compile at run time
    expect(service.has("ProtectHome")).toBe(false); // projects lie there
    expect(service.get("NoNewPrivileges")).toEqual(["yes"]);
  });

  test("give the drain its time, and more for what follows it", async () => {
    const state = await folderWith({ "kartad.toml": "drain_seconds = 120.5\nport = 8123\n" });
    const units = systemdUnits(settings("user", { home: state }));
    expect(keysOf(units["kartad.service"] ?? "", "Service").get("TimeoutStopSec")).toEqual(["151"]);
    expect(keysOf(units["kartad-http.socket"] ?? "", "Socket").get("ListenStream")).toEqual([
      "127.0.0.1:8123",
    ]);
  });

  test("hand both planes over by name, the control socket for its owner alone", () => {
    const units = systemdUnits(settings("user", { host: "::1" }));
    const http = keysOf(units["kartad-http.socket"] ?? "", "Socket");
    const control = keysOf(units["kartad-control.socket"] ?? "", "Socket");
    expect([http.get("FileDescriptorName"), http.get("ListenStream")]).toEqual([["http"], ["[::1]:8000"]]);
    expect([control.get("FileDescriptorName"), control.get("ListenStream")]).toEqual([
      ["control"],
      ["/run/user/1000/karta/kartad.sock"],
    ]);
    expect([control.get("SocketMode"), control.get("DirectoryMode")]).toEqual([["0600"], ["0700"]]);
  });

  test("of the system have a user and a state folder of their own, whatever the caller's are", () => {
    const units = systemdUnits(
      settings("system", {}, { KARTA_HOME: "/home/me/state", KARTA_SOCKET: "/tmp/x.sock" }),
    );
    const service = keysOf(units["kartad.service"] ?? "", "Service");
    expect([service.get("User"), service.get("StateDirectory"), service.get("StateDirectoryMode")]).toEqual([
      ["karta"],
      ["karta"],
      ["0700"],
    ]);
    expect(service.get("Environment")).toEqual(
      expect.arrayContaining(['"KARTA_HOME=/var/lib/karta"', '"KARTA_SOCKET=/run/karta/kartad.sock"']),
    );
    expect(keysOf(units["kartad-control.socket"] ?? "", "Socket").get("SocketUser")).toEqual(["karta"]);
  });

  test("never hold a key: only the environment file's name", () => {
    const units = systemdUnits(settings("user", {}, { ANTHROPIC_API_KEY: "sk-planted" }));
    expect(Object.values(units).join("")).not.toContain("sk-planted");
    expect(keysOf(units["kartad.service"] ?? "", "Service").get("EnvironmentFile")?.[0]).toMatch(
      /^-\/.*kartad\.env$/,
    );
  });

  test.each<[string, KartadFlags, Readonly<Record<string, string>>, string]>([
    ["a name for an address", { host: "karta.example" }, {}, "--host: a service needs an IP address"],
    ["any free port", { port: 0 }, {}, "--port"],
    [
      "a port that is none",
      {},
      { KARTA_PORT: "http" },
      '--port: a service needs a port from 1 to 65535, found "http"',
    ],
    ["a line break", { home: "/tmp/a\nExecStart=/bin/evil" }, {}, "line breaks"],
  ])("are not made of %s", (_what, flags, env, words) => {
    expect(() => settings("user", flags, env)).toThrow(words);
  });
});

describe("launchd's property list", () => {
  /** launchd.plist(5): the keys that are used here, and their types. */
  const PlistSchema = z.strictObject({
    Label: z.literal("dev.karta.kartad"),
    ProgramArguments: z.array(z.string()).min(3),
    EnvironmentVariables: z.record(z.string(), z.string()),
    WorkingDirectory: z.string().startsWith("/"),
    HardResourceLimits: z.strictObject({ Core: z.literal(0) }),
    RunAtLoad: z.literal(true),
    KeepAlive: z.strictObject({ SuccessfulExit: z.literal(false) }),
    ExitTimeOut: z.int().min(60),
    ProcessType: z.enum(["Background", "Standard", "Adaptive", "Interactive"]),
    StandardOutPath: z.string().startsWith("/"),
    StandardErrorPath: z.string().startsWith("/"),
  });

  /** Python's own parser: strict about the document and its types. */
  async function parsed(text: string): Promise<z.infer<typeof PlistSchema>> {
    const folder = await folderWith();
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, "x.plist");
    writeFileSync(file, text);
    const { stdout } = await promisify(execFile)("python3", [
      "-c",
      "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))",
      file,
    ]);
    return PlistSchema.parse(JSON.parse(stdout));
  }

  test("is one, of the keys that launchd knows", async () => {
    const plist = await parsed(launchdPlist(settings("launchd", { port: 9000, insecure: true })));
    expect(plist.ProgramArguments[0]).toBe(process.execPath);
    expect(plist.ProgramArguments.at(-1)).toBe("--insecure");
    expect(plist.EnvironmentVariables).toMatchObject({ KARTA_PORT: "9000", KARTA_SERVICE: "launchd" });
    expect(plist.StandardErrorPath).toBe(`${HOME}/Library/Application Support/karta/kartad.out`);
  });

  test("keeps what would be markup as it is", async () => {
    const odd = path.join(HOME, 'R&D <"tools"> \u2603');
    const plist = await parsed(launchdPlist(settings("launchd", {}, { KARTA_HOME: odd })));
    expect(plist.EnvironmentVariables.KARTA_HOME).toBe(odd);
  });
});

test("a service is known by its control socket, whatever is in its path, and not by a longer one's beginning", () => {
  const socket = '/tmp/100%/R&D <"$HOME">\\k.sock';
  const unit = systemdUnits(settings("user", { socket }))["kartad.service"] ?? "";
  const plist = launchdPlist(settings("launchd", { socket }));
  expect([unitHasSocket(unit, socket), plistHasSocket(plist, socket)]).toEqual([true, true]);
  const shorter = socket.slice(0, -".sock".length);
  expect([unitHasSocket(unit, shorter), plistHasSocket(plist, shorter)]).toEqual([false, false]);
});
