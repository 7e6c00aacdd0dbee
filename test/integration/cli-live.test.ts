import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { EventDraft } from "../../shared/events.ts";
import { startFakeKartad, type FakeKartad } from "../fixtures/fake-kartad.ts";
import { CliHome } from "./cli-runner.ts";

let home: CliHome;
let fake: FakeKartad;

beforeEach(async () => {
  home = new CliHome();
  fake = await startFakeKartad(home.socket);
});
afterEach(async () => {
  await fake.close();
  home.remove();
});

const says = (text: string): EventDraft => ({
  type: "text",
  data: { part: { type: "text", text }, message_id: "msg_1" },
});

/** Ends the daemon as a crash does, lets `meanwhile` happen, and starts it again over the same state. */
async function restart(meanwhile: () => void = () => undefined): Promise<void> {
  await fake.close();
  meanwhile();
  fake = await startFakeKartad(home.socket, fake.state);
}

describe("sessions tail", () => {
  test("shows one line an event and ends quietly at Ctrl-C", async () => {
    const session = fake.state.addSession();
    const tailing = home.open(["sessions", "tail"]);
    await fake.watched();
    fake.emit(session, says("two\nlines \u001b[2J"));
    await tailing.until("stdout", /\n/);
    tailing.child.kill("SIGINT");
    const { code, stdout, stderr } = await tailing.ended();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}sess_[0-9a-z]{8} {2}text {12}two↵lines ␛\[2J\n$/);
  });

  test("goes on after a restart with no gap and no repeat", async () => {
    const session = fake.state.addSession();
    const tailing = home.open(["sessions", "tail", "--json"]);
    await fake.watched();
    fake.emit(session, says("1"));
    fake.emit(session, says("2"));
    await tailing.until("stdout", /"seq":2/);
    await restart(() => fake.emit(session, says("3")));
    await fake.watched();
    fake.emit(session, says("4"));
    await tailing.until("stdout", /"seq":4/);
    tailing.child.kill("SIGINT");
    const { stdout, stderr } = await tailing.ended();
    const seqs = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(seqs).toEqual([1, 2, 3, 4]);
    expect(stderr).toBe("kartad went away; waiting\nkartad is back\n");
  });

  test("misses nothing when the daemon restarts before the first event", async () => {
    const session = fake.state.addSession();
    fake.emit(session, says("before the tail"));
    const tailing = home.open(["sessions", "tail", "--json"]);
    await fake.watched();
    await restart(() => fake.emit(session, says("while it was away")));
    await tailing.until("stdout", /while it was away/);
    tailing.child.kill("SIGINT");
    expect((await tailing.ended()).stdout).not.toContain("before the tail");
  });

  test("of something that does not exist is not found, and not silence", async () => {
    expect((await home.run(["sessions", "tail", `sess_${"z".repeat(24)}`])).code).toBe(4);
    expect((await home.run(["sessions", "tail", "--project", "ghost"])).code).toBe(4);
  });

  test("ends when nobody reads it any more", async () => {
    const session = fake.state.addSession();
    const tailing = home.open(["sessions", "tail"]);
    await fake.watched();
    tailing.child.stdout?.destroy();
    const ended = tailing.ended();
    // The first write after the reader has gone is the one that fails.
    const writing = setInterval(() => fake.emit(session, says("to nobody")), 20);
    expect(await ended.finally(() => clearInterval(writing))).toMatchObject({ code: 0, stderr: "" });
  });

  test("--since replays a session's events, and --type keeps what is asked for", async () => {
    const session = fake.state.addSession();
    const other = fake.state.addSession();
    fake.emit(session, says("old"));
    fake.emit(other, says("other"));
    fake.emit(session, { type: "agent_handoff", data: { from: "default", to: "billing" } });
    fake.emit(session, says("new"));
    const tailing = home.open([
      "sessions",
      "tail",
      session.id.slice(0, 20),
      "--since",
      "1",
      "--type",
      "text",
    ]);
    await tailing.until("stdout", /new/);
    tailing.child.kill("SIGINT");
    const { code, stdout } = await tailing.ended();
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
  });
});

describe("logs", () => {
  const line = (time: number, msg: string) => ({ level: 40, time, msg, session: "sess_1" });

  test("are readable lines, or JSON lines", async () => {
    fake.log({ ...line(0, "pool \u001b[2J full"), pid: 1 });
    expect((await home.run(["logs"])).stdout).toBe("00:00:00.000 WARN  pool ␛[2J full session=sess_1\n");
    expect(JSON.parse((await home.run(["logs", "--json"])).stdout)).toMatchObject({ level: 40, pid: 1 });
  });

  test("-f begins with the last ten lines, or with all since the time asked for", async () => {
    for (let number = 1; number <= 12; number += 1) fake.log(line(Date.now(), `line ${number};`));
    const following = home.open(["logs", "-f"]);
    await following.until("stdout", /line 12;/);
    following.child.kill("SIGINT");
    expect((await following.ended()).stdout.match(/line \d+/g)).toHaveLength(10);
    const since = home.open(["logs", "-f", "--since", "1h"]);
    await since.until("stdout", /line 12;/);
    since.child.kill("SIGINT");
    expect((await since.ended()).stdout.match(/line \d+/g)).toHaveLength(12);
  });

  test("-f goes on after a restart, and lines of one millisecond are neither lost nor repeated", async () => {
    fake.log(line(10, "first"));
    const following = home.open(["logs", "-f", "--level", "warn", "--json"]);
    await fake.watched();
    fake.log(line(20, "second"));
    await following.until("stdout", /second/);
    await restart(() => fake.log(line(20, "third")));
    await following.until("stdout", /third/);
    following.child.kill("SIGINT");
    const { code, stdout } = await following.ended();
    expect(code).toBe(0);
    expect(stdout.match(/first|second|third/g)).toEqual(["first", "second", "third"]);
    expect(fake.state.requests).toEqual([
      "WS /control/v1/logs?level=warn&follow=true",
      "GET /control/v1/logs?level=warn",
      "WS /control/v1/logs?level=warn&follow=true",
      "GET /control/v1/logs?level=warn&since=20",
    ]);
  });
});

describe("chat", () => {
  test("takes each piped line as a message, and an error does not end it", async () => {
    const { code, stdout, stderr } = await home.run(["chat", "support-bot"], "one\n\nfail\ntwo\n");
    expect(stdout).toBe("You said: one\nYou said: fail\nYou said: two\n");
    expect(stderr).toBe("error: the model said no\n");
    expect(code).toBe(1);
    expect(fake.state.sessions).toHaveLength(1);
  });

  test("Ctrl-C cancels the reply, and the next one ends the chat", async () => {
    const chatting = home.open(["chat"]);
    chatting.child.stdin?.write("wait\n");
    await chatting.until("stdout", /You said: wait/);
    chatting.child.kill("SIGINT");
    await chatting.until("stderr", /cancelled/);
    chatting.child.stdin?.write("again\n");
    await chatting.until("stdout", /You said: again\n/);
    chatting.child.kill("SIGINT");
    expect(await chatting.ended()).toMatchObject({ code: 0 });
    expect(fake.state.requests).toContain(`POST /v1/sessions/${fake.state.sessions[0]?.id ?? ""}/cancel`);
  });

  test("goes on with a session, through a restart of the daemon", async () => {
    const session = fake.state.addSession();
    const chatting = home.open(["chat", "--session", session.id.slice(0, 12)]);
    chatting.child.stdin?.write("wait\n");
    await chatting.until("stdout", /You said: wait/);
    const data = { code: "daemon_restarted" as const, message: "kartad ended", retryable: true };
    await restart(() => fake.emit(session, { type: "error", data }));
    await chatting.until("stderr", /went away; waiting\nkartad is back\nerror: kartad ended\n/);
    chatting.child.stdin?.end("still there?\n");
    const { stdout } = await chatting.ended();
    expect(stdout).toBe("You said: wait\nYou said: still there?\n");
    expect(fake.state.sessions).toHaveLength(1);
  });

  test("a choice of projects is the daemon's to ask for", async () => {
    expect(await home.run(["chat", "none"])).toMatchObject({
      code: 5,
      stderr: "error: name a project\n  projects: a, b\n",
    });
  });
});
