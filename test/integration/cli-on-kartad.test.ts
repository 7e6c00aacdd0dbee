/** `karta chat` and `sessions tail` on a real kartad: beside another client, and over a daemon that dies in mid-turn. */
import { spawn } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { KartaClient } from "../../shared/client/index.ts";
import { isTerminal, SessionEventSchema } from "../../shared/events.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { packageUnderTest, Running } from "./cli-runner.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
let karta: KartaClient;

beforeAll(async () => {
  home = makeHome();
  const words = Array.from({ length: 200 }, (_, index) => `word${index + 1}`).join(" ");
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": `first_token_ms = 0\ntokens_per_second = 0\n[[reply]]\nwhen = "on and on"\ntext = "${words}"\ntokens_per_second = 20\n[default]\ntext = "ok: {{last_user}}"\n`,
  });
  kartad = await home.start();
  karta = new KartaClient({ url: kartad.url });
  expect(await home.ask(["project", "add", folder, "bot"])).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

function open(...args: string[]): Running & { say(text: string): void } {
  const child = spawn(process.execPath, [path.join(packageUnderTest, "cli/bin/karta.js"), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: kartad.env,
  });
  return Object.assign(new Running(child), { say: (text: string) => void child.stdin.write(`${text}\n`) });
}

/** kill -9, then `meanwhile`, then a start at the same address. */
async function crash(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  await kartad.kill();
  await meanwhile();
  kartad = await home.start({ flags: ["--port", new URL(kartad.url).port] });
}

test("Ctrl-C cancels the chat's own turn, which waits, and not the other client's that is on", async () => {
  const { id } = await karta.createSession();
  const others = karta.stream(id, { text: "on and on" });
  await others.next();
  const chatting = open("chat", "--session", id);
  chatting.say("hello");
  await chatting.until("stderr", /waits for the turn that is on/);
  for await (const event of karta.events(id, { after: 0 })) {
    if (event.type === "message" && event.data.text === "hello") break;
  }
  chatting.child.kill("SIGINT");
  await chatting.until("stderr", /· cancelled/);
  expect((await karta.getSession(id)).turn).toMatchObject({ state: "running" });
  await karta.cancel(id);
  expect((await Array.fromAsync(others)).at(-1)).toMatchObject({
    type: "done",
    data: { status: "cancelled" },
  });
  chatting.say("and now?");
  await chatting.until("stdout", /ok: and now\?/);
  chatting.child.stdin?.end();
  expect((await chatting.ended()).code).toBe(0);
});

test("a reply that kartad's death ends is said to have ended, and the chat goes on in its session", async () => {
  const { id } = await karta.createSession();
  const chatting = open("chat", "--session", id);
  chatting.say("on and on");
  await chatting.until("stdout", /word3/);
  await crash(() => chatting.until("stderr", /kartad went away; waiting/));
  await chatting.until("stderr", /kartad is back\nerror: kartad ended while this turn ran/);
  chatting.say("again");
  await chatting.until("stdout", /ok: again/);
  chatting.child.stdin?.end();
  expect((await chatting.ended()).stdout.match(/word1 /g)).toHaveLength(1);
});

test("sessions tail shows every event once and in order, over a kill -9 in the middle of a turn", async () => {
  const { id } = await karta.createSession();
  const tailing = open("sessions", "tail", id, "--since", "0", "--json", "--include-system");
  const turn = Array.fromAsync(karta.stream(id, { text: "on and on" }));
  await tailing.until("stdout", /"text":"[^"]*word3/);
  await crash();
  await tailing.until("stdout", /daemon_restarted/);
  expect((await turn).at(-1)).toMatchObject({ type: "error" });
  expect(await karta.send(id, { text: "again" })).toMatchObject({ text: "ok: again" });
  await tailing.until("stdout", /"type":"done"/);
  tailing.child.kill("SIGINT");
  const { code, stdout, stderr } = await tailing.ended();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "kartad went away; waiting\nkartad is back\n" });
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => SessionEventSchema.parse(JSON.parse(line)));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(isTerminal).map(({ type }) => type)).toEqual(["error", "done"]);
  const stored = await home.karta(["sessions", "tail", id, "--no-follow", "--json", "--include-system"]);
  expect(stored.stdout.trimEnd()).toBe(stdout.trimEnd());
});
