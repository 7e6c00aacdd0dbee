/** What agents, clients and projects write, as `karta` shows it on a real terminal: nothing of it is obeyed, hidden or reordered. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { projectAt } from "../fixtures/fake-kartad-answers.ts";
import { startFakeKartad, type FakeKartad } from "../fixtures/fake-kartad.ts";
import { CliHome, hasTerminals } from "./cli-runner.ts";

jest.setTimeout(60_000);
if (!hasTerminals) process.stderr.write("no util-linux `script` here: a pipe stands for the terminal\n");

/** Clears the screen, sets the title, fills the clipboard, makes a link, reorders, hides, breaks lines. */
const HOSTILE =
  "\u001b[2J\u001b]0;t\u0007\u001b]52;c;ZQ==\u0007\u001b]8;;http://evil.example\u001b\\x\u001b[8m\u009b1A\u0090q\u009c" +
  "\u202egnp.\u202c\u2066\u2069\u200b\ufeff\u2028\u{e0041}\u0008\u007f\r\nok\t|\ud800";
const OBEYED =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/u;

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

/** What a terminal is given: its own line ends are `\r\n`. */
async function screen(...args: string[]): Promise<string> {
  if (!hasTerminals) {
    const { stdout, stderr } = await home.run(args, "", { NO_COLOR: "1" });
    return stdout + stderr;
  }
  const running = home.onTerminal(args);
  running.child.stdin?.end();
  const { stdout, stderr } = await running.ended();
  return (stdout + stderr).replaceAll("\r\n", "\n").replaceAll("^D\b\b", "");
}

function plantSession() {
  const session = fake.state.addSession("sess_hostile0000000000000000", "bot");
  Object.assign(session, {
    current_agent: `agent ${HOSTILE}`,
    metadata: { title: HOSTILE, [HOSTILE]: 1 },
    participants: [{ name: HOSTILE, type: "human", display_name: HOSTILE }],
    pending_input: {
      request_id: "req_1",
      kind: "tool_use",
      tool: HOSTILE,
      tool_input: { command: `ls ${HOSTILE}` },
      message: HOSTILE,
      options: [HOSTILE],
      expires_at: "2030-01-01T00:00:00.000Z",
    },
  });
  return session;
}

describe("on a terminal nothing is obeyed", () => {
  test("of a session: list, show, its JSON, its events", async () => {
    const session = plantSession();
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    fake.emit(session, {
      type: "message",
      data: {
        message_id: "m",
        text: HOSTILE,
        participant: { name: HOSTILE, type: "human", display_name: HOSTILE },
      },
    });
    fake.emit(session, { type: "text", data: { part: { type: "text", text: HOSTILE }, message_id: "m" } });
    fake.emit(session, {
      type: "tool_use",
      data: { tool_name: HOSTILE, tool_input: { [HOSTILE]: HOSTILE }, tool_use_id: "t" },
    });
    fake.emit(session, { type: "tool_result", data: { tool_use_id: "t", is_error: true, content: HOSTILE } });
    fake.emit(session, { type: "system", data: { subtype: HOSTILE, detail: { [HOSTILE]: HOSTILE } } });
    fake.emit(session, { type: "error", data: { code: "model_error", message: HOSTILE, retryable: false } });
    fake.emit(session, {
      type: "done",
      data: { status: "completed", message: { id: "m", role: "assistant", text: HOSTILE, parts: [] }, usage },
    });
    for (const args of [
      ["sessions", "list"],
      ["sessions", "show", "hostile"],
      ["sessions", "show", "hostile", "--json"],
      ["sessions", "tail", "hostile", "--no-follow", "--include-system"],
      ["sessions", "tail", "hostile", "--no-follow", "--include-system", "--json"],
    ]) {
      const shown = await screen(...args);
      expect([args, shown]).toEqual([args, expect.not.stringMatching(OBEYED)]);
      expect(shown).toContain(args.includes("--json") ? "\\u202e" : "␛"); // a list shows what fits
    }
    const tail = await screen("sessions", "tail", "hostile", "--no-follow");
    expect(tail.trim().split("\n")).toHaveLength(6); // one line each, whatever they hold
  });

  test("of projects, the daemon's status, its log and its errors", async () => {
    const project = projectAt("bot", `/srv/${HOSTILE}`);
    const found = { name: HOSTILE, description: HOSTILE };
    Object.assign(project, {
      agents: [found],
      skills: [found],
      mcp_servers: [HOSTILE],
      health: { state: "failed", detail: HOSTILE },
    });
    fake.state.projects.push(project);
    fake.state.url = `http://127.0.0.1/${HOSTILE}`;
    fake.state.stateHome = HOSTILE;
    fake.log({
      level: 50,
      time: 0,
      msg: HOSTILE,
      project: HOSTILE,
      [HOSTILE]: HOSTILE,
      err: { stack: HOSTILE },
    });
    for (const args of [
      ["project", "list"],
      ["project", "show", "bot"],
      ["project", "show", "bot", "--json"],
      ["status"],
      ["logs"],
      ["logs", "--json"],
      ["sessions", "show", HOSTILE.replace("\u0000", "")],
      ["project", "remove", `no${HOSTILE}`, "--yes"],
    ]) {
      const shown = await screen(...args.map(shellSafe));
      expect([args, shown]).toEqual([args, expect.not.stringMatching(OBEYED)]);
      expect(shown.trim()).not.toBe("");
    }
  });
});

/** `script` hands its command to a shell. */
function shellSafe(word: string): string {
  return hasTerminals && !/^[\w-]+$/.test(word) ? `'${word.replaceAll("'", "")}'` : word;
}
