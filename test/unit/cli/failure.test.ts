import { describe, expect, test } from "@jest/globals";
import { badUsage, CliError, explained, NoDaemonError } from "../../../cli/client/errors.ts";
import { failureOf } from "../../../cli/failure.ts";
import { UnreadableAnswerError } from "../../../shared/client/errors.ts";
import { connectionError } from "../../../shared/client/socket-transport.ts";
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
  const onSocket = (code: string) =>
    explained("/run/k.sock", connectionError("/run/k.sock", systemError(code)));

  test.each(["ENOENT", "ECONNREFUSED", "ENOTSOCK"])("%s: no daemon, and how to start one", (code) => {
    expect(onSocket(code)).toMatchObject({
      code: "no_daemon",
      message: "no kartad answers on /run/k.sock; start one with `karta start`, or `karta serve` to watch it",
    });
  });

  test("EACCES: whose socket it is", () => {
    expect(onSocket("EACCES")).toMatchObject({
      code: "no_daemon",
      message: expect.stringContaining("another user"),
    });
  });

  test("ECONNRESET: it went away; anything else is left as it is", () => {
    expect(onSocket("ECONNRESET")).toMatchObject({ code: "daemon_went_away" });
    expect(failureOf(onSocket("ECONNRESET")).exitCode).toBe(3);
    const other = new Error("a bug");
    expect(explained("/s", other)).toBe(other);
    expect(connectionError("/s", other)).toBe(other);
  });

  test("what answers and is no kartad is said, with what was wrong", () => {
    const issues = [{ path: "url", message: "expected string" }];
    expect(explained("/s", new UnreadableAnswerError(200, "no JSON", { issues }))).toMatchObject({
      code: "bad_answer",
      message: "this karta cannot read kartad: no JSON",
      issues,
    });
  });
});
