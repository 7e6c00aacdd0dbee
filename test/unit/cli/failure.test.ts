import { describe, expect, test } from "@jest/globals";
import { badUsage, CliError, connectionError, NoDaemonError } from "../../../cli/client/errors.ts";
import { failureOf } from "../../../cli/failure.ts";
import { KartaError } from "../../../shared/errors.ts";

const systemError = (code: string) => Object.assign(new Error(code), { code });

describe("exit codes", () => {
  test.each([
    [new KartaError("not_found", "gone"), 4],
    [new KartaError("no_turn_running", "idle"), 5],
    [new KartaError("invalid_request", "no"), 5],
    [new KartaError("harness_crashed", "boom"), 1],
    [new NoDaemonError("/s", undefined), 3],
    [badUsage("no"), 2],
    [new CliError("start_failed", "no"), 1],
    [new Error("a bug"), 1],
    ["thrown text", 1],
  ])("%s exits with %i", (error, exitCode) => {
    expect(failureOf(error).exitCode).toBe(exitCode);
  });

  test("oclif's own errors are bad usage unless they say otherwise", () => {
    expect(failureOf(Object.assign(new Error("x"), { oclif: { exit: 2 } })).exitCode).toBe(2);
    expect(failureOf(Object.assign(new Error("x"), { oclif: {} })).exitCode).toBe(2);
    expect(failureOf(Object.assign(new Error("x"), { oclif: { exit: 0 } })).exitCode).toBe(0);
  });
});

describe("what is said", () => {
  test("issues are one a line and aligned; lists of choices follow; nothing is obeyed", () => {
    const error = new KartaError("unknown_agent", "no agent \u001b[31mx", {
      issues: [
        { path: "karta.toml: pool.spares", message: "expected a number" },
        { path: "agent", message: "expected\ntext" },
      ],
      fields: { known: ["a", "b"] },
    });
    expect(failureOf(error).lines).toEqual([
      "error: no agent ␛[31mx",
      "  karta.toml: pool.spares  expected a number",
      "  agent                    expected↵text",
      "  known: a, b",
    ]);
  });

  test("the JSON form is the daemon's own error body", () => {
    const error = new KartaError("project_required", "name one", { fields: { projects: ["a"] } });
    expect(failureOf(error).body).toEqual({ error: "project_required", detail: "name one", projects: ["a"] });
  });
});

describe("a connection that fails", () => {
  test.each(["ENOENT", "ECONNREFUSED", "ENOTSOCK"])("%s: no daemon, and how to start one", (code) => {
    const error = connectionError("/run/k.sock", systemError(code));
    expect(error).toMatchObject({ code: "no_daemon", message: expect.stringContaining("karta start") });
  });

  test("EACCES: whose socket it is", () => {
    expect(connectionError("/s", systemError("EACCES"))).toMatchObject({
      code: "no_daemon",
      message: expect.stringContaining("another user"),
    });
  });

  test("ECONNRESET: it went away; anything else is left as it is", () => {
    expect(connectionError("/s", systemError("ECONNRESET"))).toMatchObject({ code: "daemon_went_away" });
    const other = new Error("a bug");
    expect(connectionError("/s", other)).toBe(other);
  });
});
