/** Approvals at the terminal and from another one, against the fake kartad. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Session } from "../../shared/protocol/sessions.ts";
import { ASK, WRITE } from "../fixtures/fake-kartad-turns.ts";
import { startFakeKartad, type FakeKartad } from "../fixtures/fake-kartad.ts";
import { CliHome, hasTerminals } from "./cli-runner.ts";

const onTerminal = hasTerminals ? test : test.skip;

let home: CliHome;
let fake: FakeKartad;
let session: Session;

beforeEach(async () => {
  home = new CliHome();
  fake = await startFakeKartad(home.socket);
  session = fake.state.addSession();
});
afterEach(async () => {
  await fake.close();
  home.remove();
});

describe("sessions approve and deny", () => {
  test("answer what waits, and print how the turn went on", async () => {
    session.pending_input = WRITE;
    expect(await home.ask(["sessions", "approve", session.id.slice(5, 15)])).toEqual({
      code: 0,
      stdout:
        'approved once: Write {"file_path":"a.txt","content":"a\\u001b[2Jnote"}\nWent on with {"decision":"approve_once"}\n',
      stderr: "",
    });
    session.pending_input = { ...WRITE, request_id: `req_${"x".repeat(24)}` };
    expect(
      await home.ask(["sessions", "deny", session.id, `req_${"x".repeat(24)}`, "--message", "not now"]),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^denied: Write .*\nWent on with .*not now/),
    });
  });

  test("--session, and another approval that the turn waits for then", async () => {
    session.pending_input = WRITE;
    const { code, stdout, stderr } = await home.ask(["sessions", "approve", session.id, "--session"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^approved for this session: Write [^]*\nthe turn waits for another approval: Bash /,
    );
    expect(stderr).toContain(`karta sessions approve ${session.id} ${WRITE.request_id}`);
  });

  test("a question needs its answer, which goes under the question's text", async () => {
    session.pending_input = ASK;
    const bare = await home.ask(["sessions", "approve", session.id]);
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain("--answer 'Which roast?=Sunrise'");
    const answered = await home.ask(["sessions", "approve", session.id, "--answer", "Which roast?=a=b"]);
    expect(answered.stdout).toContain("answered: Which roast? → a=b\n");
    expect(fake.state.answered.get(ASK.request_id)?.answers).toEqual({ "Which roast?": "a=b" });
  });

  test("nothing waits: 5; no such request or session: 4; answered before: 5, and by whom", async () => {
    expect(await home.ask(["sessions", "approve", session.id])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("nothing waits"),
    });
    expect(await home.ask(["sessions", "deny", session.id, "req_unknown"])).toMatchObject({ code: 4 });
    expect(await home.ask(["sessions", "deny", `sess_${"z".repeat(24)}`])).toMatchObject({ code: 4 });
    fake.state.answered.set(WRITE.request_id, { decision: "deny" });
    expect(await home.ask(["sessions", "approve", session.id, WRITE.request_id])).toMatchObject({
      code: 5,
      stderr: "error: this was answered already: deny, by client\n",
    });
  });

  test("--json prints the daemon's answer", async () => {
    session.pending_input = WRITE;
    const { stdout, stderr } = await home.ask(["sessions", "deny", session.id, "--json"]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ session: { id: session.id }, events: [{ type: "text" }, {}] });
  });
});

test("sessions send tells the command that answers, and waits on", async () => {
  const sending = home.open(["sessions", "send", session.id, "write"]);
  const command = `karta sessions approve ${session.id} ${WRITE.request_id}\n`;
  await sending.until("stderr", new RegExp(command));
  expect((await home.ask(["sessions", "approve", session.id])).code).toBe(0);
  expect(await sending.ended()).toMatchObject({
    code: 0,
    stdout: 'It was {"decision":"approve_once"}\n',
    stderr: expect.stringContaining("· approved once\n"),
  });
});

describe("chat", () => {
  test("on a pipe denies and says so; the next line is a message and no answer", async () => {
    const { code, stdout, stderr } = await home.run(["chat"], "write\nyes\n");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^It was \{"decision":"deny","message":".*pipe.*"\}\nYou said: yes\n$/);
    expect(stderr).toContain("denied, since nobody can approve on a pipe: Write ");
  });

  onTerminal("asks for a yes, a reason, a choice; what was typed ahead is no answer", async () => {
    const chat = home.onTerminal(["chat"]);
    const type = (text: string) => chat.child.stdin?.write(text);
    await chat.until("stdout", /you> /);
    type("write\ry\r"); // the y is typed ahead of the question
    await chat.until(
      "stdout",
      /Write\r?\n {2}file_path: a\.txt\r?\n {2}content: a␛\[2Jnote[^]*or type a reason/,
    );
    expect(fake.state.answered.size).toBe(0);
    type("not that file\r");
    await chat.until("stdout", /It was \{"decision":"deny","message":"not that file"\}/);
    await chat.until("stdout", /You said: y/);
    type("ask\r");
    await chat.until("stdout", /1\. Sunrise: light\r?\n {2}2\. Midnight[^]*own words: /);
    type("2\r");
    await chat.until("stdout", /It was .*"Which roast\?":"Midnight"/);
    type("\u0004");
    expect((await chat.ended()).code).toBe(0);
  });

  onTerminal("what is typed during a reply is shown with the next prompt, and not in the reply", async () => {
    const chat = home.onTerminal(["chat"]);
    const type = (text: string) => chat.child.stdin?.write(text);
    await chat.until("stdout", /you> /);
    type("wait\r");
    await chat.until("stdout", /You said: wait/);
    type("a whole line\rand half");
    type("\u0003");
    await chat.until(
      "stdout",
      /· cancelled\r?\nyou> a whole line\r?\nYou said: a whole line\r?\n[^]*you> and half/,
    );
    type(" of one\r");
    await chat.until("stdout", /You said: and half of one/);
    expect(chat.stdout.split("cancelled")[0]).not.toContain("whole");
    type("\u0004");
    expect((await chat.ended()).code).toBe(0);
  });

  onTerminal("Ctrl-C at the question cancels the turn, and the chat goes on", async () => {
    const chat = home.onTerminal(["chat"]);
    const type = (text: string) => chat.child.stdin?.write(text);
    await chat.until("stdout", /you> /);
    type("write\r");
    await chat.until("stdout", /or type a reason/);
    type("\u0003");
    await chat.until("stdout", /· cancelled/);
    expect(fake.state.answered.size).toBe(0);
    expect(fake.state.requests).toContain(`POST /v1/sessions/${fake.state.sessions[1]?.id ?? ""}/cancel`);
    type("hello\r");
    await chat.until("stdout", /You said: hello/);
    type("\u0004");
    expect((await chat.ended()).code).toBe(0);
  });
});
