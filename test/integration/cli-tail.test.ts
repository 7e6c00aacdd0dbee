import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { EventDraft, SessionEvent } from "../../shared/events.ts";
import type { Session } from "../../shared/protocol/sessions.ts";
import { restarted, startFakeKartad, type FakeKartad } from "../fixtures/fake-kartad.ts";
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
    fake = await restarted(fake, () => fake.emit(session, says("3")));
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
    fake = await restarted(fake, () => fake.emit(session, says("while it was away")));
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

test.each([
  ["an event type that there is not, which names those that there are", ["--type", "text,doen"], "tool_use"],
  ["a turn of no session", ["--turn", "turn_1"], "ID"],
  ["all sessions' past", ["--no-follow"], "ID"],
])("%s is bad usage, 2", async (_, flags, said) => {
  const { code, stderr } = await home.run(["sessions", "tail", ...flags]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) });
});

describe("what sessions tail shows", () => {
  const system: EventDraft = { type: "system", data: { subtype: "compacted", detail: null } };
  const handoff: EventDraft = { type: "agent_handoff", data: { from: "default", to: "billing" } };
  const failed: EventDraft = {
    type: "error",
    data: { code: "model_error", message: "no", retryable: false },
  };
  let session: Session;

  /** The types on the lines, or the whole outcome. */
  const types = async (...flags: string[]) => {
    const { code, stdout } = await home.run(["sessions", "tail", session.id, "--json", ...flags]);
    expect(code).toBe(0);
    const lines = stdout === "" ? [] : stdout.trimEnd().split("\n");
    return lines.map((line) => (JSON.parse(line) as SessionEvent).type);
  };

  beforeEach(() => {
    session = fake.state.addSession();
    for (const draft of [says("1"), system, failed]) fake.emit(session, draft, "turn_a1");
    for (const draft of [handoff, says("2"), failed]) fake.emit(session, draft, "turn_b2");
  });

  test("--no-follow ends with what is stored; harness internals are shown where they are asked for", async () => {
    expect(await types("--no-follow")).toEqual(["text", "error", "agent_handoff", "text", "error"]);
    expect(await types("--no-follow", "--since", "4", "--include-system")).toEqual(["text", "error"]);
    expect(await types("--no-follow", "--include-system")).toContain("system");
  });

  test("--type takes a list, and may be given several times", async () => {
    const chosen = await types("--no-follow", "--type", "text,agent_handoff", "--type", "system");
    expect(chosen).toEqual(["text", "system", "agent_handoff", "text"]);
  });

  test("--turn shows one turn from its beginning, and ends with it", async () => {
    expect(await types("--turn", "a")).toEqual(["text", "error"]);
    fake.emit(session, says("not over"), "turn_c3");
    const tailing = home.open(["sessions", "tail", session.id, "--turn", "turn_c", "--type", "error"]);
    await fake.watched();
    fake.emit(session, failed, "turn_c3");
    expect(await tailing.ended()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^.* model_error.*\n$/),
    });
  });

  test("a turn that there is not is not found, and not waited for", async () => {
    expect(await home.run(["sessions", "tail", session.id, "--turn", "zzz"])).toMatchObject({ code: 4 });
    const empty = fake.state.addSession();
    expect(await home.run(["sessions", "tail", empty.id, "--turn", "zzz"])).toMatchObject({ code: 4 });
  });
});
