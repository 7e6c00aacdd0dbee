/** What a user gets wrong, through the real CLI and the real API of a real kartad: the code, and the words that name it. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CLI_EXIT } from "../../shared/exit-codes.ts";
import { createSession, request } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
let sessionId: string;

beforeAll(async () => {
  home = makeHome();
  kartad = await home.start();
  const good = home.project("good", { "CLAUDE.md": "# Good" });
  await home.operator.addProject(good, "good");
  sessionId = (await createSession(kartad.url)).id;
});
afterAll(() => home.remove());

/** A folder that cannot be registered: its files, and what the refusal must name. */
const FOLDERS: readonly (readonly [what: string, files: Record<string, string>, names: RegExp])[] = [
  ["no harness file", { "readme.txt": "hello" }, /CLAUDE\.md/],
  ["karta.toml that is not TOML", { "CLAUDE.md": "#", "karta.toml": 'name = "x\n' }, /karta\.toml:1/],
  ["a wrong type", { "CLAUDE.md": "#", "karta.toml": '[pool]\nspares = "two"\n' }, /pool\.spares/],
  [
    "a value out of range",
    { "CLAUDE.md": "#", "karta.toml": "[runtime]\nturn_timeout_seconds = -1\n" },
    /turn_timeout_seconds/,
  ],
  [
    "a harness type that is none",
    { "CLAUDE.md": "#", "karta.toml": '[harness]\ntype = "gpt"\n' },
    /harness\.type/,
  ],
  [
    "an entry point that is none",
    { "CLAUDE.md": "#", "karta.toml": 'entry_point = "app"\nbuildpack = "python"\n' },
    /entry_point/,
  ],
  [
    "an entry point without its file",
    { "CLAUDE.md": "#", "karta.toml": 'entry_point = "app:app"\nbuildpack = "python"\n' },
    /app/,
  ],
  [
    "an entry point that throws",
    {
      "CLAUDE.md": "#",
      "app.py": "raise ValueError('boom')\n",
      "karta.toml": 'entry_point = "app:app"\nbuildpack = "python"\n',
    },
    /ValueError: boom/,
  ],
  [
    "an entry point without its attribute",
    {
      "CLAUDE.md": "#",
      "app.py": "from karta import Karta\napp = Karta()\n",
      "karta.toml": 'entry_point = "app:bot"\nbuildpack = "python"\n',
    },
    /bot/,
  ],
  [
    "a Node entry point that is not an app",
    {
      "CLAUDE.md": "#",
      "app.mjs": "export const app = 1;\n",
      "karta.toml": 'entry_point = "app:app"\nbuildpack = "node"\n',
    },
    /Karta/,
  ],
  [
    "a required name that is not bound",
    {
      "CLAUDE.md": "#",
      "karta.toml": '[env]\nORDERS_URL = { required = true, description = "Order service" }\n',
    },
    /ORDERS_URL[\s\S]*Order service/,
  ],
  [
    "a bad regular expression in offline.toml",
    { "CLAUDE.md": "#", "offline.toml": '[[reply]]\nwhen = "("\ntext = "x"\n' },
    /offline\.toml:2/,
  ],
  [
    "an unknown key in offline.toml",
    { "CLAUDE.md": "#", "offline.toml": '[[reply]]\nwehn = "x"\ntext = "x"\n' },
    /wehn/,
  ],
  [".mcp.json that is not JSON", { "CLAUDE.md": "#", ".mcp.json": "{" }, /\.mcp\.json/],
  ["karta.jsonc that is not JSON", { "CLAUDE.md": "#", "karta.jsonc": "{ nope" }, /karta\.jsonc/],
];

describe("karta project add refuses", () => {
  test.each(FOLDERS)("%s", async (what, files, names) => {
    const folder = home.project(`bad-${FOLDERS.findIndex(([name]) => name === what)}`, files);
    const { code, stderr } = await home.karta(["project", "add", folder, "bad"]);
    expect(stderr).toMatch(names);
    expect(code).toBe(CLI_EXIT.refused);
    expect((await home.operator.status()).projects).toBe(1); // the good one
  });

  test("a folder that is not there", async () => {
    const { code, stderr } = await home.ask(["project", "add", path.join(home.folder, "nowhere"), "bad"]);
    expect(stderr).toContain("nowhere");
    expect(code).toBe(CLI_EXIT.refused);
  });

  test("a file in the place of a folder", async () => {
    const file = path.join(home.folder, "a-file");
    writeFileSync(file, "x");
    const { code, stderr } = await home.ask(["project", "add", file, "bad"]);
    expect(stderr).toContain("a-file");
    expect(code).toBe(CLI_EXIT.refused);
  });

  test("a symlink that leads out of the folder", async () => {
    const folder = path.join(home.folder, "linked");
    mkdirSync(folder);
    symlinkSync("/etc/hostname", path.join(folder, "CLAUDE.md"));
    const { code, stderr } = await home.ask(["project", "add", folder, "bad"]);
    expect(stderr).toContain("CLAUDE.md");
    expect(code).toBe(CLI_EXIT.refused);
  });

  test.each(["a/b", "../x", "Upper", "-x", "x".repeat(64)])("the name %p", async (name) => {
    const { code, stderr } = await home.ask(["project", "add", path.join(home.folder, "good"), "--", name]);
    expect(stderr).toMatch(/lowercase letters, digits and hyphens/);
    expect([CLI_EXIT.refused, CLI_EXIT.bad_usage]).toContain(code);
  });

  test("a name that another folder has", async () => {
    const other = home.project("other", { "CLAUDE.md": "# Other" });
    const { code, stderr } = await home.ask(["project", "add", other, "good"]);
    expect(stderr).toContain(path.join(home.folder, "good"));
    expect(code).toBe(CLI_EXIT.refused);
  });

  test("nothing, when the same folder comes again under the same name", async () => {
    const { code } = await home.ask(["project", "add", path.join(home.folder, "good"), "good"]);
    expect(code).toBe(0);
  });
});

describe("karta answers", () => {
  test.each([
    ["an unknown command", ["projct", "list"], CLI_EXIT.bad_usage, /projct/],
    ["an unknown flag", ["project", "list", "--loud"], CLI_EXIT.bad_usage, /--loud/],
    ["a missing argument", ["project", "add"], CLI_EXIT.bad_usage, /dir/i],
    ["an unknown project", ["project", "remove", "nobody", "--yes"], CLI_EXIT.not_found, /nobody/],
    ["an unknown session", ["sessions", "show", "sess_nobody"], CLI_EXIT.not_found, /sess_nobody/],
  ])("%s", async (_what, args, code, names) => {
    const result = await home.ask(args);
    expect(result.stderr).toMatch(names);
    expect(result.code).toBe(code);
  });

  test("with no daemon: how to start one", async () => {
    const empty = makeHome();
    const { code, stderr } = await empty.karta(["project", "list"]);
    await empty.remove();
    expect(code).toBe(CLI_EXIT.no_daemon);
    expect(stderr).toContain("karta start");
  });
});

describe("the API answers", () => {
  test.each([
    ["a body that is not JSON", "POST", "/v1/sessions", "{", 400, "invalid_json"],
    ["a body that is an array", "POST", "/v1/sessions", "[]", 400, "invalid_json"],
    ["an unknown field", "POST", "/v1/sessions", '{"metdata":{}}', 422, "invalid_request"],
    ["an unknown project", "POST", "/v1/sessions", '{"project":"nobody"}', 404, "not_found"],
    [
      "an unknown session to resume",
      "POST",
      "/v1/sessions",
      '{"session_id":"sess_nobody"}',
      404,
      "not_found",
    ],
    ["an unknown agent", "POST", "/v1/sessions", '{"agent":"nobody"}', 422, "unknown_agent"],
    ["an empty text", "POST", "/v1/sessions/:id/messages", '{"text":""}', 422, "invalid_request"],
    ["no text", "POST", "/v1/sessions/:id/messages", "{}", 422, "invalid_request"],
    [
      "a text that is too long",
      "POST",
      "/v1/sessions/:id/messages",
      JSON.stringify({ text: "x".repeat(200_001) }),
      422,
      "invalid_request",
    ],
    [
      "a body that is too large",
      "POST",
      "/v1/sessions/:id/messages",
      JSON.stringify({ text: "x".repeat(3_000_000) }),
      413,
      "body_too_large",
    ],
    [
      "an unknown session",
      "POST",
      "/v1/sessions/sess_000000000000000000000000/messages",
      '{"text":"x"}',
      404,
      "not_found",
    ],
    [
      "a project's route with another project",
      "GET",
      "/v1/projects/nobody/sessions",
      undefined,
      404,
      "not_found",
    ],
    ["a cancel with nothing to cancel", "POST", "/v1/sessions/:id/cancel", undefined, 409, "no_turn_running"],
    ["an unknown route", "GET", "/v2/sessions", undefined, 404, "not_found"],
    ["a cursor that is none", "GET", "/v1/sessions?cursor=zzz", undefined, 422, "invalid_request"],
  ])("%s", async (_what, method, route, body, status, error) => {
    const answer = await request(kartad.url, method, route.replace(":id", sessionId), body);
    expect(answer).toMatchObject({ status, body: { error } });
    expect(String(answer.body.detail).length).toBeGreaterThan(10);
  });

  test("51 metadata keys: says how many there may be and how many there were", async () => {
    const metadata = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, index]));
    const answer = await request(kartad.url, "POST", "/v1/sessions", { metadata });
    expect(answer).toMatchObject({ status: 422, body: { issues: [{ path: "metadata" }] } });
    expect(String(answer.body.detail)).toMatch(/at most 50 keys, found 51/);
  });

  test("another content type", async () => {
    const answer = await request(kartad.url, "POST", "/v1/sessions", "{}", { "Content-Type": "text/plain" });
    expect(answer).toMatchObject({ status: 415, body: { error: "unsupported_media_type" } });
  });

  test("a web page, by its origin or by a name it made point here", async () => {
    const page = await request(kartad.url, "GET", "/v1/sessions", undefined, {
      Origin: "https://evil.example",
    });
    expect(page).toMatchObject({ status: 403, body: { error: "origin_not_allowed" } });
  });
});
