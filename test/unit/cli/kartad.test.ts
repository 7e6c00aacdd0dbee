import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { ownChecks } from "../../../cli/kartad/doctor.ts";
import { kartadArguments } from "../../../cli/kartad/flags.ts";
import { differences, sameFlags } from "../../../cli/kartad/settings.ts";
import { isAlive } from "../../../cli/kartad/stop.ts";
import { KARTAD_NODE_OPTIONS } from "../../../shared/node-options.ts";
import { packageRoot } from "../../../shared/paths.ts";
import type { Status } from "../../../shared/protocol/control.ts";
import { folderWith } from "../apps/temp-project.ts";

const status: Status = {
  version: "0.1.0",
  pid: 1,
  started_at: "",
  uptime_seconds: 0,
  url: "http://[::1]:8000",
  state_home: "/state",
  offline: true,
  projects: 0,
  sessions: { active: 0, with_process: 0, running_turns: 0 },
  processes: [],
  pool: {
    max_processes: 16,
    waiting: 0,
    warm_starts: 0,
    cold_starts: 0,
    evictions: 0,
    crashes: 0,
    oversized: 0,
    backing_off: [],
  },
  apps: [],
  memory: { rss_bytes: 0, heap_used_bytes: 0 },
};

test("kartad's launcher starts Node as karta does", () => {
  const launcher = readFileSync(path.join(packageRoot(), "daemon/bin/kartad.js"), "utf8");
  expect(launcher.split("\n")[0]).toBe(`#!/usr/bin/env -S node ${KARTAD_NODE_OPTIONS.join(" ")}`);
});

describe("kartad's flags", () => {
  test("only what was given is handed on, and the socket always", () => {
    expect(kartadArguments({}, "/s")).toEqual(["--socket", "/s"]);
    expect(kartadArguments({ port: 0, offline: false, insecure: true }, "/s")).toEqual([
      "--port",
      "0",
      "--insecure",
      "--socket",
      "/s",
    ]);
  });

  test("a restart keeps address, offline and state folder, and flags win", () => {
    expect(sameFlags(status, { port: 9000 })).toEqual({
      host: "::1",
      port: 9000,
      offline: true,
      home: "/state",
    });
  });

  test("a start that asks for nothing else differs in nothing", () => {
    expect(differences(status, {})).toEqual([]);
    expect(differences(status, { host: "::1", port: 8000, offline: true, home: "/state" })).toEqual([]);
    expect(differences({ ...status, offline: false }, { host: "0.0.0.0", offline: true })).toEqual([
      "--host 0.0.0.0",
      "--offline",
    ]);
  });
});

test("a process that exists is alive, one that never was is not", () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(2 ** 30)).toBe(false);
});

const hasUnits = process.platform === "linux";
if (!hasUnits) process.stderr.write("systemd's units are Linux's: the doctor was not shown one\n");

(hasUnits ? test : test.skip)(
  "the doctor says that a service cannot start again, and how it can",
  async () => {
    const unit = 'ExecStart="/opt/100%%/node-23" "/opt/a \\"b\\" $$HOME/daemon/bin/kartad.js"\n';
    const before = process.env.XDG_CONFIG_HOME;
    process.env.XDG_CONFIG_HOME = await folderWith({ "systemd/user/kartad.service": unit });
    const checks = await ownChecks("/nowhere.sock", false);
    if (before === undefined) delete process.env.XDG_CONFIG_HOME;
    else process.env.XDG_CONFIG_HOME = before;
    expect(checks.find(({ name }) => name === "service")).toMatchObject({
      state: "problem",
      fix: expect.stringMatching(
        /^\/opt\/100%\/node-23, \/opt\/a "b" \$HOME\/daemon\/bin\/kartad\.js are gone.*`karta service install`/,
      ),
    });
  },
);
