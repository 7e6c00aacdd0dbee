/**
 * Karta's managed-agents wire through the real Claude Code, by a client that knows a base URL and the contract's page and
 * nothing else (`test/support/managed-agents.ts`): the same conversations under both of the base's spellings.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { request } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { ManagedAgentsClient, read, requireAction, type Event } from "../support/managed-agents.ts";
import { ASKS, WRITES } from "../support/replies.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

${WRITES}

[[reply]]
when = "what is in (?<file>[\\\\w./-]+)"
tool = { name = "Read", input = { file_path = "$<file>" } }
text = "It says: {{tool_result}}"

${ASKS}

[[reply]]
when = "slowly"
text = "${"and so on ".repeat(30)}"
tokens_per_second = 20

[[reply]]
when = "think first"
thinking = "Let me see."
text = "Seen."

[[reply]]
when = "overload"
error = { status = 400, type = "invalid_request_error", message = "no such thing" }

[[reply]]
when = "what did i say first"
text = "You first said: {{first_user}}"

[default]
text = "ok: {{last_user}}"
`;

let home: TestHome;
let kartad: Kartad;
let folder: string;
beforeAll(async () => {
  home = makeHome();
  folder = home.project("bot", { "CLAUDE.md": "# Bot\n", "offline.toml": SCRIPT });
  const apart = home.project("apart", {
    "CLAUDE.md": "# Bot\n",
    "offline.toml": SCRIPT,
    "karta.toml": '[runtime]\nworkspace = "session"\n',
  });
  kartad = await home.start();
  for (const [dir, name] of [
    [folder, "bot"],
    [apart, "apart"],
  ] as const)
    await home.operator.addProject(dir, name);
});
afterAll(() => home.remove());

const at = (base: string): ManagedAgentsClient => new ManagedAgentsClient(kartad.url + base);
const bot = (): ManagedAgentsClient => at("/v1/projects/bot");
const lastSeq = (events: readonly Event[]): number => events.at(-1)?.seq ?? 0;
const written = (name: string): boolean => existsSync(path.join(folder, `${name}.txt`));

describe.each(["/v1/projects/bot", "/local/bot/v1"])("a browser client of %s", (base) => {
  test("holds a conversation: words as they come, context, usage, a transcript, a list of its own", async () => {
    const client = at(base);
    const end_user = `ada of ${base}`;
    const id = await client.create({ metadata: { end_user } });
    const first = await client.ask(id, "My name is Ada", 0);
    expect(first.parts).toEqual(["ok: My name is Ada"]);
    expect(first.events[0]).toMatchObject({ type: "session.status_running", seq: 1 });
    expect(first.events.filter(({ type }) => type === "agent.message").length).toBeGreaterThan(1);
    expect(first.last).toMatchObject({ type: "session.status_idle", stop_reason: "end_turn" });
    const { last } = first;
    if (last?.type !== "session.status_idle" || last.stop_reason !== "end_turn") throw new Error("no usage");
    expect(last.usage.input_tokens).toBeGreaterThan(0);
    expect(last.usage.total_tokens).toBe(last.usage.input_tokens + last.usage.output_tokens);

    const second = await client.ask(id, "What did I say first?", lastSeq(first.events));
    expect(second.parts).toEqual(["You first said: My name is Ada"]);
    expect((await client.get(id)).events).toEqual([...first.events, ...second.events]);
    const messages = await client.transcript(id, end_user);
    expect(messages.map(({ role, parts }) => [role, parts])).toEqual([
      ["user", [{ type: "text", text: "My name is Ada" }]],
      ["assistant", [{ type: "text", text: "ok: My name is Ada" }]],
      ["user", [{ type: "text", text: "What did I say first?" }]],
      ["assistant", [{ type: "text", text: "You first said: My name is Ada" }]],
    ]);
    const other = await client.create({ metadata: { end_user: `bob of ${base}` } });
    expect((await client.list(end_user)).map((one) => [one.id, one.title])).toEqual([[id, "My name is Ada"]]);
    expect((await client.list(`bob of ${base}`)).map((one) => one.id)).toEqual([other]);
  });

  test("answers a request: the tool runs after a yes, and not after a no", async () => {
    rmSync(path.join(folder, "one.txt"), { force: true });
    const client = at(base);
    const id = await client.create();
    const asked = await client.ask(id, "write one", 0);
    const action = requireAction(asked);
    expect(action).toMatchObject({
      tool: "Write",
      target: expect.stringMatching(/one\.txt$/),
      options: ["approve_once", "approve_session", "deny"],
    });
    expect((await client.get(id)).status).toBe("idle");
    expect(written("one")).toBe(false);
    await client.confirm(id, action, "deny");
    const denied = await client.follow(id, action.seq);
    expect(denied.last).toMatchObject({ stop_reason: "end_turn" });
    expect(written("one")).toBe(false);

    const again = requireAction(await client.ask(id, "write one", lastSeq(denied.events)));
    await client.confirm(id, again, "allow");
    const allowed = await client.follow(id, again.seq);
    expect(written("one")).toBe(true);
    expect(allowed.events).toContainEqual(
      expect.objectContaining({ type: "agent.tool_result", is_error: false }),
    );
    expect(allowed.parts[0]).toContain("The tool said: ");

    const third = requireAction(await client.ask(id, "write two", lastSeq(allowed.events)));
    await client.confirm(id, third, "approve_session");
    const always = await client.follow(id, third.seq);
    const unasked = await client.ask(id, "write one", lastSeq(always.events));
    expect(unasked.last).toMatchObject({ stop_reason: "end_turn" });
  });

  test("interrupts a turn, and goes on in the session", async () => {
    const client = at(base);
    const id = await client.create();
    await client.say(id, "Count slowly.");
    const events: Event[] = [];
    for await (const event of client.stream(id, 0)) {
      events.push(event);
      if (event.seq === 5) await client.post(id, { type: "user.interrupt" });
    }
    expect(events.at(-1)).toMatchObject({ type: "session.status_idle", stop_reason: "end_turn" });
    expect(read(events).parts[0]?.length).toBeLessThan(200);
    expect((await client.ask(id, "still there?", lastSeq(events))).parts).toEqual(["ok: still there?"]);
  });
});

test("a reload in the middle of a turn: from its cursor the client gets the rest, once", async () => {
  const client = bot();
  const id = await client.create();
  await client.say(id, "Count slowly.");
  const before: Event[] = [];
  for await (const event of client.stream(id, 0)) {
    before.push(event);
    if (before.length === 5) break; // the page goes
  }
  const { status, events } = await client.get(id);
  expect(status).toBe("running");
  expect(events.slice(0, 5)).toEqual(before);
  const after = await client.follow(id, lastSeq(before));
  const whole = (await client.get(id)).events;
  expect([...before, ...after.events]).toEqual(whole);
  expect(read(whole).parts[0]?.trim()).toBe("and so on ".repeat(30).trim());
});

test("kartad is killed in the middle of a turn: the same cursor shows how it ended, and the session goes on", async () => {
  const client = bot();
  const id = await client.create({ end_user: "ida" });
  const first = await client.ask(id, "My name is Ida", 0);
  await client.say(id, "Count slowly.");
  const seen = [...first.events];
  const reading = client.stream(id, lastSeq(first.events));
  for (let count = 0; count < 4; count += 1) {
    const next = await reading.next();
    if (next.done !== true) seen.push(next.value);
  }
  await kartad.kill();
  await expect(Array.fromAsync(reading)).rejects.toThrow();
  kartad = await home.start();
  const again = bot();
  const rest = await again.follow(id, lastSeq(seen));
  expect(rest.last).toMatchObject({ type: "session.error", code: "daemon_restarted" });
  expect([...seen, ...rest.events]).toEqual((await again.get(id)).events);
  const third = await again.ask(id, "What did I say first?", lastSeq(rest.events));
  expect(third.parts).toEqual(["You first said: My name is Ida"]);
  expect((await again.list("ida")).map(({ title }) => title)).toEqual(["My name is Ida"]);
});

test("a request that waited when kartad was killed is answered by nobody: the cursor shows the turn's end", async () => {
  const client = bot();
  const id = await client.create();
  const action = requireAction(await client.ask(id, "write three", 0));
  await kartad.kill();
  kartad = await home.start();
  const again = bot();
  const late = { type: "user.tool_confirmation", request_id: action.request_id, result: "allow" };
  expect(await again.call("POST", `/${id}/events`, late)).toMatchObject({ status: 409 });
  expect((await again.follow(id, action.seq)).last).toMatchObject({
    type: "session.error",
    code: "daemon_restarted",
  });
  expect((await again.get(id)).status).toBe("idle");
  expect(written("three")).toBe(false);
});

test("a question is answered with one of its options", async () => {
  const client = bot();
  const id = await client.create();
  const question = requireAction(await client.ask(id, "ask me", 0));
  expect(question).toMatchObject({ target: "Which roast?", options: ["Sunrise", "Midnight"] });
  const answers = { [question.target]: "Midnight" };
  await client.post(id, {
    type: "user.tool_confirmation",
    request_id: question.request_id,
    result: "allow",
    answers,
  });
  expect((await client.follow(id, question.seq)).parts[0]).toContain("Midnight");
});

test("thinking is told apart from words", async () => {
  const client = bot();
  const id = await client.create();
  const { events, parts } = await client.ask(id, "think first", 0);
  const thoughts = events.flatMap((event) => (event.type === "agent.thinking" ? event.text : []));
  expect(thoughts.join("")).toBe("Let me see.");
  expect(parts).toEqual(["Seen."]);
});

test("a turn that the model refuses ends with an error, and the session goes on", async () => {
  const client = bot();
  const id = await client.create();
  const failed = await client.ask(id, "overload", 0);
  expect(failed.last).toMatchObject({ type: "session.error", code: "model_error" });
  expect((await client.ask(id, "hello", lastSeq(failed.events))).parts).toEqual(["ok: hello"]);
});

describe("a file", () => {
  test("is where the agent finds it, under a safe name", async () => {
    const client = bot();
    const id = await client.create();
    const file = await client.upload(id, "../../beans.txt", "Sunrise is light.");
    expect(file).toMatch(/^uploads\/beans(-\d+)?\.txt$/);
    expect(readFileSync(path.join(folder, file), "utf8")).toBe("Sunrise is light.");
    const { parts } = await client.ask(id, `what is in ${file}`, 0);
    expect(parts[0]).toContain("Sunrise is light.");
  });

  test("comes byte for byte, whatever is in it", async () => {
    const client = bot();
    const id = await client.create();
    const content = Uint8Array.from({ length: 100_000 }, (_, place) => (place * 7919) % 256);
    const file = await client.upload(id, "bytes.bin", content);
    expect(Uint8Array.from(readFileSync(path.join(folder, file)))).toEqual(content);
  });

  test("of a session with a workspace of its own is there before the first turn, and in no other session", async () => {
    const client = at("/v1/projects/apart");
    const [hers, his] = [await client.create(), await client.create()];
    expect(await client.upload(hers, "secret.txt", "Ada's own")).toBe("uploads/secret.txt");
    expect(await client.upload(his, "secret.txt", "Bob's own")).toBe("uploads/secret.txt");
    const { parts } = await client.ask(hers, "what is in uploads/secret.txt", 0);
    expect(parts[0]).toContain("Ada's own");
    expect(readdirSync(path.join(home.folder, "apart"))).not.toContain("uploads");
    await request(kartad.url, "DELETE", `/v1/sessions/${hers}`);
    expect(
      readFileSync(path.join(home.state, "workspaces/apart", his, "files/uploads/secret.txt"), "utf8"),
    ).toBe("Bob's own");
    expect(existsSync(path.join(home.state, "workspaces/apart", hers))).toBe(false);
  });
});
