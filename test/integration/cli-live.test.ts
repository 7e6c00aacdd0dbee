import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
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
    fake = await restarted(fake, () => fake.log(line(20, "third")));
    await following.until("stdout", /third/);
    following.child.kill("SIGINT");
    const { code, stdout } = await following.ended();
    expect(code).toBe(0);
    expect(stdout.match(/first|second|third/g)).toEqual(["first", "second", "third"]);
    expect(fake.state.requests).toEqual([
      "WS /control/v1/logs?level=warn&follow=true",
      "GET /control/v1/logs?level=warn&lines=10",
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
    fake = await restarted(fake, () => fake.emit(session, { type: "error", data }));
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
