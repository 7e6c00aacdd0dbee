import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { ConfigError, readConfig, type Config } from "../../daemon/config.ts";
import { DEFAULT_LIMITS } from "../../daemon/http/limits.ts";
import { folderWith } from "./apps/temp-project.ts";

type Env = Readonly<Record<string, string | undefined>>;

function config(argv: readonly string[], env: Env): Config {
  const command = readConfig(argv, env);
  if (command.kind !== "run") throw new Error(`expected to run, found ${command.kind}`);
  return command.config;
}

/** A state folder whose kartad.toml holds this. */
const homeWith = (toml?: string) => folderWith(toml === undefined ? {} : { "kartad.toml": toml });

function refused(argv: readonly string[], env: Env): string {
  try {
    readConfig(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("was not refused");
}

describe("a setting", () => {
  test("has its default where nobody says otherwise", async () => {
    const home = await homeWith();
    expect(config([], { KARTA_HOME: home })).toMatchObject({
      host: "127.0.0.1",
      port: 8000,
      offline: false,
      insecure: false,
      allowedOrigins: [],
      logLevel: "info",
      foreground: true,
      drainSeconds: 30,
      limits: DEFAULT_LIMITS,
      stateHome: home,
    });
  });

  test("of [limits] leaves the other limits as they were", async () => {
    const home = await homeWith("[limits]\nmax_body_bytes = 4096\nrequests_per_second = 0.5\n");
    expect(config([], { KARTA_HOME: home }).limits).toEqual({
      ...DEFAULT_LIMITS,
      max_body_bytes: 4096,
      requests_per_second: 0.5,
    });
  });

  test("of a flag wins over the environment, that over kartad.toml", async () => {
    const home = await homeWith(
      'host = "127.0.0.9"\nport = 1000\noffline = true\nlog_level = "warn"\nmax_processes = 3\ndrain_seconds = 0.5\nretention_events = 20\nretention_days = 0.5\nallowed_origins = ["https://shop.example"]\ninsecure = true\n',
    );
    const file = { KARTA_HOME: home };
    expect(config([], file)).toMatchObject({
      host: "127.0.0.9",
      port: 1000,
      offline: true,
      insecure: true,
      logLevel: "warn",
      maxProcesses: 3,
      drainSeconds: 0.5,
      retentionEvents: 20,
      retentionDays: 0.5,
      allowedOrigins: ["https://shop.example"],
    });
    const env = {
      ...file,
      KARTA_HOST: "127.0.0.8",
      KARTA_PORT: "2000",
      KARTA_OFFLINE: "0",
      KARTA_LOG_LEVEL: "error",
    };
    expect(config([], env)).toMatchObject({
      host: "127.0.0.8",
      port: 2000,
      offline: false,
      logLevel: "error",
    });
    const flags = ["--host", "127.0.0.7", "--port=3000", "--offline", "--log-level", "debug", "--quiet"];
    expect(config(flags, env)).toMatchObject({
      host: "127.0.0.7",
      port: 3000,
      offline: true,
      logLevel: "debug",
      foreground: false,
    });
  });

  test("of the state folder and the socket comes from the flag, and the folder's own kartad.toml is read", async () => {
    const home = await homeWith("port = 1234");
    const chosen = config(["--home", home, "--socket", "/run/x/k.sock"], {
      KARTA_HOME: await homeWith("port = 9"),
      KARTA_SOCKET: "/run/y/k.sock",
    });
    expect(chosen).toMatchObject({ stateHome: home, port: 1234, socketPath: "/run/x/k.sock" });
  });

  test("of an empty variable is as if it were not there", async () => {
    const home = await homeWith();
    const env = { KARTA_HOME: home, KARTA_HOST: "", KARTA_PORT: "", KARTA_OFFLINE: "", KARTA_LOG_LEVEL: "" };
    const rest = { KARTA_SOCKET: "", XDG_RUNTIME_DIR: "/run/user/7", XDG_STATE_HOME: "" };
    expect(config([], { ...env, ...rest })).toMatchObject({
      host: "127.0.0.1",
      port: 8000,
      offline: false,
      logLevel: "info",
      socketPath: "/run/user/7/karta/kartad.sock",
    });
    expect(path.isAbsolute(config([], { KARTA_HOME: "", XDG_STATE_HOME: "" }).stateHome)).toBe(true);
    expect(config([], { KARTA_HOME: "", XDG_STATE_HOME: "" }).stateHome).not.toBe(path.resolve("karta"));
  });

  test.each([["--help"], ["-h"]])("is not looked at for %s", (flag) => {
    expect(readConfig([flag], { KARTA_PORT: "nonsense" })).toEqual({ kind: "help" });
  });

  test("is not looked at for --version", () => {
    expect(readConfig(["--version"], {})).toEqual({ kind: "version" });
  });
});

describe("a bad value names where it came from:", () => {
  test.each<[string, string[], Env, string]>([
    ["--port", ["--port", "eighty"], {}, '"eighty"'],
    ["--port", ["--port", "65536"], {}, '"65536"'],
    ["--port", ["--port", "0x50"], {}, '"0x50"'],
    ["--port", ["--port", " "], {}, '" "'],
    ["KARTA_PORT", [], { KARTA_PORT: "-1" }, '"-1"'],
    ["KARTA_PORT", [], { KARTA_PORT: "80.5" }, '"80.5"'],
    ["--log-level", ["--log-level", "loud"], {}, '"loud"'],
    ["KARTA_LOG_LEVEL", [], { KARTA_LOG_LEVEL: "LOUD" }, '"LOUD"'],
    ["KARTA_OFFLINE", [], { KARTA_OFFLINE: "yes" }, '"yes"'],
    ["--nonsense", ["--nonsense"], {}, "--nonsense"],
    ["stray", ["stray"], {}, "stray"],
    ["KARTA_SOCKET", [], { KARTA_SOCKET: `/${"x".repeat(120)}` }, "bytes"],
  ])("%s of %j", async (where, argv, env, found) => {
    const message = refused(argv, { KARTA_HOME: await homeWith(), ...env });
    expect(message).toContain(where);
    expect(message).toContain(found);
    expect(message).not.toContain("\n");
  });

  test.each([
    ["port", 'port = "80a"'],
    ["port", "port = true"],
    ["port", 'port = ""'],
    ["port", "port = 70000"],
    ["host", 'host = ""'],
    ["max_processes", "max_processes = 0"],
    ["drain_seconds", "drain_seconds = -1"],
    ["retention_events", "retention_events = 0"],
    ["retention_days", "retention_days = -1"],
    ["allowed_origins", 'allowed_origins = ["shop.example"]'],
    ["log_level", 'log_level = "loud"'],
    ["prot", "prot = 80"],
    ["limits.max_body_bytes", "[limits]\nmax_body_bytes = 10"],
    ["limits.max_url_bytes", "[limits]\nmax_url_bytes = 20000"],
    ["limits.headers_timeout_seconds", "[limits]\nrequest_timeout_seconds = 5"],
    ["max_bodies", "[limits]\nmax_bodies = 1"],
    ["kartad.toml:2", 'host = "a"\nport = ='],
  ])("%s in kartad.toml", async (where, toml) => {
    const home = await homeWith(toml);
    const message = refused([], { KARTA_HOME: home });
    expect(message).toContain(path.join(home, "kartad.toml"));
    expect(message).toContain(where);
    expect(message).not.toContain("\n");
  });
});
