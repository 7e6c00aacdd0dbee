/** Apps with code behind the real kartad and the real Claude Code: the same behaviours in Python and in Node. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { KartaClient } from "../../cli/client/client.ts";
import { routes } from "../../cli/client/routes.ts";
import { createSession, frames, openTurn, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, eventuallyIs, processesWith } from "../support/processes.ts";

jest.setTimeout(60_000);

const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0

[[reply]]
when = "look up (?<id>\\\\w+)"
tool = { name = "mcp__karta__look_up_order", input = { order_id = "$<id>", detail = "long", items = [{ sku = "A" }] } }
text = "The tool said: {{tool_result}}"

[[reply]]
when = "look up badly"
tool = { name = "mcp__karta__look_up_order", input = { order_id = 7 } }
text = "The tool said: {{tool_result}}"

[[reply]]
when = "misbehave (?<how>\\\\w+)"
tool = { name = "mcp__karta__misbehave", input = { how = "$<how>" } }
text = "The tool said: {{tool_result}}"

[default]
text = "ok: {{last_user}}"
`;

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/apps/${name}`, import.meta.url), "utf8");

const FOLDER = {
  "CLAUDE.md": "# Bot\n",
  "offline.toml": SCRIPT.replace('when = "look up badly"', 'when = "look badly"'),
  ".claude/agents/billing.md": "---\nname: billing\ndescription: Bills.\n---\nYou are billing.\n",
  ".claude/skills/returns/SKILL.md": "---\nname: returns\ndescription: Returns.\n---\nHow to.\n",
};
const TOML = `entry_point = "app:app"
[harness]
allowed_tools = ["misbehave"]
[pool]
spares = 0
[env]
pass = ["ORDERS_TOKEN"]
`;
const LANGUAGES = [
  ["python", { ...FOLDER, "app.py": fixture("app.py"), "karta.toml": `buildpack = "python"\n${TOML}` }],
  ["node", { ...FOLDER, "app.mjs": fixture("app.mjs"), "karta.toml": `buildpack = "node"\n${TOML}` }],
] as const;

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  kartad = await home.start({ env: { ANTHROPIC_API_KEY: "sk-ant-test", ORDERS_TOKEN: "tok-very-secret" } });
  for (const [name, files] of LANGUAGES) {
    const added = await home.ask(["project", "add", home.project(name, files), name]);
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/app +5 hooks, 5 policies, tools: look_up_order, misbehave/),
    });
  }
});
afterAll(() => home.remove());

/** What `karta logs --project` shows: each line's words. */
async function logs(project: string): Promise<string[]> {
  const { data } = await new KartaClient({ socket: home.socket }).call(routes.logs, { query: { project } });
  return data.map(({ msg }) => msg ?? "");
}

/** Waits for a line of the project's log. */
async function logged(project: string, line: string | RegExp): Promise<void> {
  const isThere = async () =>
    (await logs(project)).some((said) => (typeof line === "string" ? said.includes(line) : line.test(said)));
  await eventuallyIs(isThere, true);
}

describe.each(LANGUAGES.map(([name]) => name))("an app in %s", (project) => {
  const open = async (more: object = {}) => (await createSession(kartad.url, { project, ...more })).id;
  /** One session, and so one agent process, for all tests that can share it. */
  let shared: string;
  beforeAll(async () => (shared = await open({ permission_mode: "autonomous" })));
  const post = (id: string, text: string) =>
    request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text });
  const events = async (id: string) =>
    (await request(kartad.url, "GET", `/v1/sessions/${id}/events?follow=false`)).body.data;

  test("is told of its folder, gets what [env] passes, and no model's key", async () => {
    await logged(project, "loaded with agents: ['billing'], skills: ['returns']");
    await logged(project, "model key: None, passed: <ORDERS_TOKEN>");
    const { stdout } = await home.ask(["logs", "--project", project]);
    expect(stdout).toContain("loaded with agents");
  });

  test("policies refuse with their own words, before anything is stored", async () => {
    for (const [text, detail] of [
      ["x".repeat(501), "too long"],
      ["my PassWord is", "no passwords, please"],
    ] as const) {
      expect(await post(shared, text)).toMatchObject({
        status: 422,
        body: { error: "policy_refused", detail },
      });
    }
    expect(await post(await open({ metadata: { banned: true } }), "hello")).toMatchObject({
      status: 422,
      body: { detail: "you are banned" },
    });
    expect(await events(shared)).toEqual([]);
    expect((await send(kartad.url, shared, "hello")).text).toBe("ok: hello"); // the session goes on
  });

  test("a policy rewrites the text: neither the agent nor the log sees the original", async () => {
    const result = await send(kartad.url, shared, "charge card 4242 now");
    expect(result.text).toBe("ok: charge card **** now");
    expect(result.messages[0]?.text).toBe("charge card **** now");
    expect(JSON.stringify(await events(shared))).not.toContain("4242");
  });

  test.each(["policy throws", "policy returns nonsense", "policy exits"])(
    "a %s: the message is refused, nobody is told why, and the app goes on",
    async (text) => {
      const before = await events(shared);
      const refused = await post(shared, text);
      expect(refused).toMatchObject({ status: 422, body: { error: "policy_refused" } });
      expect(String(refused.body.detail)).not.toMatch(/rule|secret|nonsense|exit/);
      expect(await events(shared)).toEqual(before);
      await logged(project, "a policy failed, so the message was refused");
      expect((await send(kartad.url, shared, "hello")).text).toBe("ok: hello");
    },
  );

  test("hooks hear of all four events, in a session's order", async () => {
    const id = await open({ metadata: { visitor: "ada" } });
    await send(kartad.url, id, "hand me over", { agent: "billing" });
    await logged(project, "hook completed completed ok: hand me over");
    const said = (await logs(project)).filter((line) => line.startsWith("hook "));
    const place = (line: RegExp) => said.findLastIndex((one) => line.test(one));
    const places = [
      place(/created \{.*visitor.*ada/),
      place(/received hand me over/),
      place(/handoff default billing/),
      place(/completed completed ok: hand me over/),
    ];
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test.each(["hook throws", "hook prints", "hook hangs"])("%s: the turn does not notice", async (text) => {
    expect((await send(kartad.url, shared, text)).text).toBe(`ok: ${text}`);
    if (text === "hook throws") await logged(project, /a hook failed: .*the hook broke/);
    if (text === "hook prints") {
      await logged(project, "raw to descriptor 1");
      await logged(project, "token <ORDERS_TOKEN>");
      const longest = Math.max(...(await logs(project)).map((line) => line.length));
      expect(longest).toBe(2000);
    }
    expect((await logs(project)).join("\n")).not.toContain("tok-very-secret");
  });

  test("the agent calls a tool, after an approval", async () => {
    const id = await open({ metadata: { visitor: "ada" } });
    const reading = frames(await openTurn(kartad.url, id, "look up A17"));
    const seen: unknown[] = [];
    for await (const { event } of reading) {
      seen.push(event);
      if (event.type !== "input_required") continue;
      expect(event.data).toMatchObject({
        tool: "mcp__karta__look_up_order",
        tool_input: { order_id: "A17" },
      });
      const path = `/v1/sessions/${id}/inputs/${event.data.request_id}`;
      await request(kartad.url, "PUT", path, { decision: "approve_once" });
    }
    const result = { order: "A17", detail: "long", skus: ["A"], visitor: "ada" };
    expect(seen).toContainEqual(
      expect.objectContaining({ type: "tool_result", data: expect.objectContaining({ is_error: false }) }),
    );
    const said = JSON.stringify(seen.at(-1));
    for (const value of Object.values(result).flat()) expect(said).toContain(value);
    await logged(project, "tool look_up_order A17");

    // allowed_tools has this one, by its plain name: nobody is asked.
    expect(await send(kartad.url, id, "misbehave never")).toMatchObject({
      status: "completed",
      text: "The tool said: fine",
    });
  });

  test("a tool is not called with arguments that are not of its schema", async () => {
    const { text } = await send(kartad.url, shared, "look badly");
    expect(text).toMatch(/arguments are not valid: order_id: .*expected string/);
    expect(await logs(project)).not.toContainEqual(expect.stringMatching(/tool look_up_order 7/));
  });

  test.each([
    ["throw", /gone, token <ORDERS_TOKEN>/],
    ["refuse", /The tool said: that order is not yours$/],
    ["hang", /took longer than 1 second/],
    ["flood", /at most 1048576 are taken/],
    ["exit", /not running just now/],
  ])("a tool that does %s is an error result, and the turn goes on", async (how, words) => {
    const result = await send(kartad.url, shared, `misbehave ${how}`);
    expect(result).toMatchObject({ status: "completed", text: expect.stringMatching(words) });
    const parts = result.messages[1]?.parts ?? [];
    expect(parts.find((part) => part.type === "tool_result")).toMatchObject({ is_error: true });
  });
});

test("a folder read anew has its new policies; a removed project leaves no process", async () => {
  const app = (word: string) =>
    `from karta import Karta, keyword_gate\napp = Karta()\napp.policy(keyword_gate(["${word}"]))\n`;
  const files = { "CLAUDE.md": "# Bot\n", "karta.toml": 'entry_point = "app:app"\n[pool]\nspares = 0\n' };
  const folder = home.project("anew", { ...files, "app.py": app("one") });
  await home.operator.addProject(folder, "anew");
  const { id } = await createSession(kartad.url, { project: "anew" });
  const status = async (text: string) =>
    (await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text })).status;
  expect([await status("one"), await status("two")]).toEqual([422, 200]);

  home.project("anew", { "app.py": app("two") });
  await home.operator.addProject(folder, "anew");
  expect([await status("one"), await status("two")]).toEqual([200, 422]);

  const workers = () => processesWith(folder).filter(({ command }) => command.includes("karta.worker"));
  await eventually(() => workers().length === 1, "the old worker is gone");
  expect(await home.ask(["project", "remove", "anew", "--yes"])).toMatchObject({ code: 0 });
  expect(workers()).toEqual([]);
});

test("an app that registers nothing costs no process", async () => {
  const folder = home.project("tutorial", {
    "CLAUDE.md": "# Bot\n",
    "karta.toml": 'entry_point = "app:app"\nbuildpack = "python"\n',
    "app.py": "from karta import Karta\napp = Karta()\n",
  });
  await home.operator.addProject(folder, "tutorial");
  expect(processesWith(folder).filter(({ command }) => command.includes("karta.worker"))).toEqual([]);
});

test("after a restart policies hold from the first message on; no worker outlives kartad", async () => {
  await kartad.kill();
  await eventually(
    () => processesWith(home.folder).length === 0,
    "every process of the killed kartad is gone",
  );
  kartad = await home.start();
  const { id } = await createSession(kartad.url, { project: "node" });
  expect(
    await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, { text: "password" }),
  ).toMatchObject({
    status: 422,
  });
  await kartad.stop();
  expect(processesWith(home.folder)).toEqual([]);
});
