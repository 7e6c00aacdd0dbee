/** `karta logs` on a real kartad, whose agents are scripted: whose each line is, over restarts, in a file or in the journal. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { LogLineSchema, type LogLine } from "../../shared/protocol/logs.ts";
import { packageRoot } from "../../shared/paths.ts";
import { createSession } from "../support/api.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";
import { beginScripted, startScripted } from "../support/scripted-kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
beforeEach(() => void (home = makeHome()));
afterEach(() => home.remove());

const TRACE = { flags: ["--log-level", "trace"] };

async function logs(...args: string[]): Promise<LogLine[]> {
  const { code, stdout } = await home.ask(["logs", "--json", ...args]);
  expect(code).toBe(0);
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : LogLineSchema.parse(JSON.parse(line))));
}

/** Sends a message, and gives what names its request. */
async function sent(url: string, session: string, text: string): Promise<{ request: string; turn: string }> {
  const answer = await fetch(`${url}/v1/sessions/${session}/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text }),
  });
  const { turn_id: turn } = z.object({ turn_id: z.string() }).parse(await answer.json());
  return { request: answer.headers.get("X-Request-Id") ?? "", turn };
}

const says = (events: number): string => JSON.stringify({ events, end: "completed" });

describe("a message's life", () => {
  test("is found by its request's id and by its turn's, also of one that waited behind another's", async () => {
    const { url } = await beginScripted(home, TRACE);
    const { id } = await createSession(url, { project: "bot" });
    const first = sent(url, id, JSON.stringify({ events: 3, pauseMs: 50, end: "completed" }));
    const second = sent(url, id, says(1));
    const both = await Promise.all([first, second]);
    for (const { request, turn } of both) {
      const ids = { request_id: request, project: "bot", session_id: id, turn_id: turn };
      const byTurn = await logs("--turn", turn);
      for (const line of byTurn) expect(line).toMatchObject(ids);
      expect(
        byTurn.map(({ msg, from, to }) => (msg === "turn" ? `${String(from)} → ${String(to)}` : msg)),
      ).toEqual(
        expect.arrayContaining(["queued → running", "running → completed", "turn completed", "request"]),
      );
      const byRequest = await logs("--request", request.slice("req_".length, 16));
      expect(byRequest).toEqual(byTurn);
      expect(byRequest.at(-1)).toMatchObject({ msg: "request", method: "POST", status: 200, ...ids });
    }
    const bySession = await logs("--session", id);
    expect(bySession.filter(({ msg }) => msg === "turn completed")).toHaveLength(2);
    // Neither the one's lines nor those of the process, which outlives both, have the other's ids.
    const requestOf = new Map(both.map(({ request, turn }) => [turn, request]));
    for (const line of bySession)
      if (typeof line.turn_id === "string") expect(line.request_id).toBe(requestOf.get(line.turn_id));
    expect(await logs("-n", "1", "--session", id)).toEqual(bySession.slice(-1));
  });

  test("a failure, and what is refused, name the request; the operator's own do too", async () => {
    const { url } = await beginScripted(home, TRACE);
    const { id } = await createSession(url, { project: "bot" });
    const failed = await sent(url, id, JSON.stringify({ events: 0, end: "failed" }));
    expect(await logs("--request", failed.request, "--level", "info")).toMatchObject([
      { msg: "turn failed", code: "model_error", session_id: id, request_id: failed.request },
    ]);
    expect(await logs("--level", "info")).toContainEqual(
      expect.objectContaining({
        msg: "project added",
        project: "bot",
        request_id: expect.stringMatching(/^req_/),
      }),
    );
    for (const line of await logs()) {
      for (const old of ["session", "turn", "request", "process"]) expect(line).not.toHaveProperty(old);
    }
  });
});

describe("without a daemon", () => {
  test.each([[["logs"]], [["logs", "-f"]]])(
    "%j says how to start one, and where the last one's lines are",
    async (args) => {
      const { code, stdout, stderr } = await home.karta(args);
      expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
      expect(stderr).toContain(`no kartad answers on ${home.socket}; start one with \`karta start\``);
      expect(stderr).toContain(path.join(home.state, "logs"));
    },
  );
});

describe("the journal", () => {
  test("has the lines with their priorities, and karta logs the newest and where the rest is", async () => {
    const kartad = await beginScripted(home, { flags: ["--log", "journal"] });
    const { id } = await createSession(kartad.url, { project: "bot" });
    await sent(kartad.url, id, says(1));
    expect(await logs("--session", id)).toMatchObject([{ msg: "turn completed" }]);
    const { stderr } = await home.ask(["logs"]);
    expect(stderr).toBe(""); // nobody said where standard error goes
    await kartad.stop();
    expect(existsSync(path.join(home.state, "logs"))).toBe(false);
    expect(kartad.log()).toMatch(/^<4>offline model: scripted replies\n/);
    expect(kartad.log()).toMatch(
      new RegExp(
        `^<6>turn completed \\{"request_id":"req_\\w+","project":"bot","session_id":"${id}","turn_id":"turn_`,
        "m",
      ),
    );
    for (const line of kartad.log().trim().split("\n")) expect(line).toMatch(/^<[2-7]>/);
  });

  test("of a service: karta logs names the command that reads it", async () => {
    await beginScripted(home, { flags: ["--log", "journal"], env: { KARTA_SERVICE: "user" } });
    const { code, stderr } = await home.ask(["logs", "-n", "1"]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "kartad keeps its newest lines alone; `journalctl --user -u kartad` has the rest",
    });
  });

  (process.platform === "linux" ? test : test.skip)(
    "is known by systemd's variable, if standard error is still it",
    () => {
      const module = path.join(packageRoot(), "daemon/log/journal.ts");
      const ask = `import(${JSON.stringify(module)}).then(({ isJournal }) => console.log(isJournal(process.env.JOURNAL_STREAM)))`;
      const asked = (stream: string): string =>
        execFileSync(
          "/bin/sh",
          ["-c", `JOURNAL_STREAM=${stream} exec "$0" -e "$1" 2>&1 | cat`, process.execPath, ask],
          {
            encoding: "utf8",
          },
        );
      expect(asked('"$(stat -L -c %d:%i /dev/stderr)"')).not.toContain("undefined");
      expect(asked("8:1")).toContain("false");
      expect(asked("")).toContain("false");
    },
  );
});

test("karta logs -f goes on over a restart of kartad", async () => {
  const kartad = await beginScripted(home);
  const { id } = await createSession(kartad.url, { project: "bot" });
  await sent(kartad.url, id, says(1));
  const before = (await logs("--session", id)).length;
  await kartad.stop();
  const again = await startScripted(home);
  await sent(again.url, id, says(1));
  expect(await logs("--session", id)).toHaveLength(before + 1);
});
