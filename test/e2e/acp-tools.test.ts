/** An app's own tools, in Python and in Node, called by the real OpenCode and by a small agent behind the real kartad. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import type { SessionEvent } from "../../shared/events.ts";
import { createSession, frames, openTurn, request, send, storedEvents } from "../support/api.ts";
import { acpCommand } from "../support/acp.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { processesWith } from "../support/processes.ts";
import { ROWS } from "./support/conformance.ts";

jest.setTimeout(60_000);

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/apps/${name}`, import.meta.url), "utf8");
const PYTHON = { "app.py": fixture("app.py") };
const NODE = { "app.mjs": fixture("app.mjs") };
const small = (...args: string[]): string =>
  `type = "acp"\ncommand = ${JSON.stringify(acpCommand("small-agent.ts", ...args))}\n`;

interface Case {
  readonly name: string;
  /** How the agent calls the app's tools. */
  readonly prefix: string;
  readonly harness: string;
  readonly buildpack: "python" | "node";
  readonly files: Readonly<Record<string, string>>;
  readonly missing: string | null;
}

const missing = ROWS.find(({ name }) => name === "opencode")?.missing ?? null;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const CASES: readonly Case[] = [
  {
    name: "opencode",
    prefix: "karta_",
    harness: 'type = "opencode"\n',
    buildpack: "python",
    files: { "AGENTS.md": "# Bot\n", ...PYTHON },
    missing,
  },
  {
    name: "by-http",
    prefix: "mcp__karta__",
    harness: small("http"),
    buildpack: "python",
    files: PYTHON,
    missing: null,
  },
  {
    name: "by-relay",
    prefix: "mcp__karta__",
    harness: small(),
    buildpack: "node",
    files: NODE,
    missing: null,
  },
];

const script = (prefix: string): string => `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "look up (?<id>\\\\w+)"
tool = { name = "${prefix}look_up_order", input = { order_id = "$<id>", detail = "long", items = [{ sku = "A" }] } }
text = "The tool said: {{tool_result}}"
[[reply]]
when = "misbehave (?<how>\\\\w+)"
tool = { name = "${prefix}misbehave", input = { how = "$<how>" } }
text = "The tool said: {{tool_result}}"
[default]
text = "ok: {{last_user}}"
`;

const toml = ({ harness, buildpack }: Case): string => `entry_point = "app:app"
buildpack = "${buildpack}"
[harness]
${harness}allowed_tools = ["misbehave"]
[pool]
spares = 0
[env]
pass = ["ORDERS_TOKEN"]
`;

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await home.start({ env: { ORDERS_TOKEN: "tok-very-secret" } });
});
afterAll(() => home.remove());

describe.each(CASES.filter((one) => one.missing === null))("$name", (one) => {
  const { name: project, prefix, files } = one;
  beforeAll(async () => {
    const folder = home.project(project, {
      ...files,
      "karta.toml": toml(one),
      "offline.toml": script(prefix),
    });
    const added = await home.ask(["project", "add", folder, project]);
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/tools: look_up_order, misbehave/),
    });
    expect(added.stdout + added.stderr).not.toMatch(/not offered/);
  });
  const open = async (visitor: string) =>
    (await createSession(kartad.url, { project, metadata: { visitor } })).id;
  /** Two for all tests: OpenCode starts a process for each. */
  let adas: string;
  let beas: string;
  beforeAll(async () => {
    [adas, beas] = await Promise.all([open("ada"), open("bea")]);
  });

  /** A turn that looks an order up, with a yes to it. */
  async function lookUp(id: string, order: string): Promise<SessionEvent[]> {
    const seen: SessionEvent[] = [];
    for await (const { event } of frames(await openTurn(kartad.url, id, `look up ${order}`))) {
      seen.push(event);
      if (event.type !== "input_required") continue;
      expect(event.data).toMatchObject({ tool: `${prefix}look_up_order`, tool_input: { order_id: order } });
      const place = `/v1/sessions/${id}/inputs/${event.data.request_id}`;
      await request(kartad.url, "PUT", place, { decision: "approve_once" });
    }
    return seen;
  }

  test("a tool is asked for, and called after a yes: with the session's own data", async () => {
    const seen = await lookUp(adas, "A17");
    expect(seen.map(({ type }) => type)).toContain("input_required");
    expect(seen).toContainEqual(
      expect.objectContaining({ type: "tool_result", data: expect.objectContaining({ is_error: false }) }),
    );
    const said = JSON.stringify(seen.at(-1));
    for (const value of ["A17", "long", "ada"]) expect(said).toContain(value);
  });

  test("sessions that call at the same time are told apart", async () => {
    const ends = await Promise.all(
      [adas, beas].map(async (id, index) => JSON.stringify((await lookUp(id, `B${index}`)).at(-1))),
    );
    ["ada", "bea"].forEach((visitor, index) => {
      expect(ends[index]).toContain(visitor);
      expect(ends[index]).toContain(`B${index}`);
      expect(ends[index]).not.toContain(`B${1 - index}`);
    });
  });

  test.each([
    ["never", /The tool said: fine/, false],
    ["refuse", /that order is not yours/, true],
    ["hang", /took longer than 1 second/, true],
    ["exit", /not running just now/, true],
  ])(
    "one that allowed_tools has is not asked for; when it does %s the turn goes on",
    async (how, words, isError) => {
      const result = await send(kartad.url, adas, `misbehave ${how}`);
      expect(result).toMatchObject({ status: "completed", text: expect.stringMatching(words) });
      const parts = result.messages[1]?.parts ?? [];
      expect(parts.find((part) => part.type === "tool_result")).toMatchObject({ is_error: isError });
      // The key to its tools is the agent's own.
      expect(JSON.stringify(await storedEvents(kartad.url, adas))).not.toMatch(/Bearer|KARTA_TOOLS/);
    },
  );

  test("no key to them shows in a command line or in the log", () => {
    const commands = processesWith(home.folder).map(({ command }) => command);
    expect(commands.join("\n")).not.toMatch(/Bearer/);
    expect(kartad.log()).not.toMatch(/Bearer/);
  });
});
