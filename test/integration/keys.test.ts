/** Keys on a real kartad, with the real Claude Code: the CLI makes and takes them, every client presents them, nothing shows them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { z } from "zod";
import { startWeb } from "../../examples/support-bot-demo/web/server.ts";
import { KartaClient } from "../../shared/client/index.ts";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { packageRoot } from "../../shared/paths.ts";
import { CreatedKeySchema, KeySchema, type CreatedKey } from "../../shared/protocol/keys.ts";
import { request } from "../support/api.ts";
import { bearer, identityToken } from "../support/keys.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { openSocket } from "../support/websocket.ts";

jest.setTimeout(60_000);

const PAGE = "https://shop.example";
const SCRIPT = `first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "on and on"
text = "${Array.from({ length: 400 }, (_, n) => `word${n}`).join(" ")}"
tokens_per_second = 20
[default]
text = "turn {{turn}} of this conversation"
`;

let home: TestHome;
let kartad: Kartad;
let backend: CreatedKey;
/** Everything that must never be seen again once it was shown. */
const secrets: string[] = [];

beforeAll(async () => {
  home = makeHome();
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": SCRIPT,
    "karta.toml": `[http]\nallowed_origins = ["https://bots.example"]\n`,
  });
  kartad = await home.start({ flags: ["--log-level", "trace"] });
  await home.operator.addProject(folder, "bot");
  expect((await request(kartad.url, "GET", "/v1/sessions")).status).toBe(200); // no key, no question
  backend = await made("backend", "--project", "bot", "--expires", "30d");
});
afterAll(() => home.remove());

async function made(...args: string[]): Promise<CreatedKey> {
  const { code, stdout, stderr } = await home.ask(["keys", "create", ...args, "--json"]);
  if (code !== 0) throw new Error(stderr);
  const key = CreatedKeySchema.parse(JSON.parse(stdout));
  if (key.kind === "api") secrets.push(key.key);
  if (key.identity_secret !== null) secrets.push(key.identity_secret);
  return key;
}

const status = async (headers: Record<string, string>, route = "/v1/sessions") =>
  (await request(kartad.url, "GET", route, undefined, headers)).status;

test("a key is shown once, to people and to programs; a list shows its beginning", async () => {
  const days = (Date.parse(backend.expires_at ?? "") - Date.parse(backend.created_at)) / 86_400_000;
  expect(backend).toMatchObject({ kind: "api", scope: "write", project: "bot", state: "active" });
  expect(days).toBeCloseTo(30, 1);
  const told = await home.karta(["keys", "create", "told", "--scope", "read"]);
  const [text = ""] = /sk_live_\S+/.exec(told.stdout) ?? [];
  secrets.push(text);
  expect(told.stdout).toContain("shown this once");
  expect(await status(bearer(text))).toBe(200);
  const list = await home.ask(["keys", "list"]);
  for (const words of ["backend", `${backend.prefix}…`, "in 29 d 23 h", "told", "read"])
    expect(list.stdout).toContain(words);
  expect(list.stdout).not.toContain(backend.key);
});

test.each<[string, string[], number, string]>([
  ["a taken name", ["create", "backend"], 5, "already"],
  ["an unknown project", ["create", "x", "--project", "nope"], 4, "nope"],
  ["a time that is none", ["create", "x", "--expires", "soon"], 2, "--expires"],
  ["a time that is over", ["create", "x", "--expires", "2001-01-01"], 2, "--expires"],
  ["an embed key of no project", ["create", "x", "--embed", "--origin", PAGE], 2, "--project"],
  ["an embed key of no page", ["create", "x", "--embed", "--project", "bot"], 2, "--origin"],
  [
    "an origin with a path",
    ["create", "x", "--embed", "--project", "bot", "--origin", `${PAGE}/`],
    5,
    "origin",
  ],
  ["an API key with an origin", ["create", "x", "--origin", PAGE], 2, "--embed"],
  ["a scope that is none", ["create", "x", "--scope", "root"], 2, "scope"],
  ["revoking what is not there", ["revoke", "nope"], 4, "nope"],
])("%s is refused", async (_what, args, code, words) => {
  const refused = await home.ask(["keys", ...args]);
  expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(words)]);
});

test("what was refused has made nothing", async () => {
  const { stdout } = await home.ask(["keys", "list", "--json"]);
  const { data } = z.object({ data: z.array(KeySchema) }).parse(JSON.parse(stdout));
  expect(data.map(({ name }) => name)).toEqual(["told", "backend"]);
});

test("HTTP wants it, the socket does not; karta/client, both Karta classes and the demo's server present it", async () => {
  expect(await status({})).toBe(401);
  expect(await home.ask(["sessions", "list"])).toMatchObject({ code: 0 });
  const karta = new KartaClient({ url: kartad.url, apiKey: backend.key });
  const { id } = await karta.createSession();
  expect(await karta.send(id, { text: "hi" })).toMatchObject({ text: "turn 1 of this conversation" });
  await expect(new KartaClient({ url: kartad.url }).getSession(id)).rejects.toMatchObject({
    code: "unauthorized",
  });

  const env = { ...kartad.env, KARTA_API_KEY: backend.key, PYTHONDONTWRITEBYTECODE: "1" };
  const node = `const { Karta } = await import(${JSON.stringify(path.join(packageRoot(), "daemon/apps/node/karta.js"))});
    console.log((await new Karta(undefined, { project: "bot", url: process.argv[1] }).send("hi")).text)`;
  const python = `import sys; sys.path.insert(0, ${JSON.stringify(path.join(packageRoot(), "daemon/apps/python"))})
from karta import Karta
print(Karta(project="bot", url=sys.argv[1]).send_sync("hi").text)`;
  for (const [command, args] of [
    [process.execPath, ["--input-type=module", "-e", node, kartad.url]],
    ["python3", ["-c", python, kartad.url]],
  ] as const) {
    const said = await execa(command, args, { env, extendEnv: false, cwd: home.folder });
    expect(said.stdout).toBe("turn 1 of this conversation");
    const without = execa(command, args, { env: kartad.env, extendEnv: false, cwd: home.folder });
    await expect(without).rejects.toThrow("unauthorized");
  }

  const web = await startWeb({ port: 0, kartaUrl: kartad.url, project: "bot", apiKey: backend.key });
  const spawned = await fetch(`${web.url}/api/spawn`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
  });
  expect(spawned.status).toBeLessThan(300);
  await web.close();
});

test("a browser's user drives their session with a token, on a page of the project's list", async () => {
  const route = "/v1/projects/bot/session_tokens";
  const answer = await request(kartad.url, "POST", route, { sub: "ada" }, bearer(backend.key));
  expect(answer.status).toBe(201);
  const token = z.string().parse(answer.body.token);
  secrets.push(token);
  const ada = new KartaClient({ url: kartad.url, project: "bot", apiKey: token });
  const session = await ada.createSession();
  expect(session.metadata).toEqual({ end_user: "ada" });
  expect(await ada.send(session.id, { text: "hi" })).toMatchObject({ status: "completed" });
  expect(
    await status({ ...bearer(token), Origin: "https://bots.example" }, "/v1/projects/bot/sessions"),
  ).toBe(200);
  expect(await status({ ...bearer(token), Origin: PAGE }, "/v1/projects/bot/sessions")).toBe(403);
  const socket = await openSocket({
    url: `${kartad.url.replace("http", "ws")}/v1/projects/bot/sessions/${session.id}/events?after=0`,
    protocols: ["karta", `karta.bearer.${token}`],
  });
  await socket.until(3);
  expect(socket.ws.protocol).toBe("karta");
  socket.ws.close();
});

test("an embed key's page gets tokens, for users whom the site's backend vouches for", async () => {
  const { key, identity_secret } = await made(
    "shop",
    "--embed",
    "--project",
    "bot",
    "--origin",
    PAGE,
    "--verify-identity",
  );
  const identity_token = identityToken(identity_secret, "ada");
  const ask = (body: object) =>
    request(kartad.url, "POST", "/v1/embed/session-tokens", { embed_key: key, ...body }, { Origin: PAGE });
  expect((await ask({ user_id: "ada" })).status).toBe(401);
  const answer = await ask({ user_id: "ada", identity_token });
  expect(answer.status).toBe(201);
  const token = z.string().parse(answer.body.token);
  secrets.push(token);
  const sessions = await request(kartad.url, "GET", "/v1/projects/bot/sessions", undefined, {
    ...bearer(token),
    Origin: PAGE,
  });
  expect(sessions.body.data).toEqual([expect.objectContaining({ metadata: { end_user: "ada" } })]);
});

test("a restart keeps keys and tokens, and a revoked key ends its stream in mid-turn", async () => {
  const brief = await made("brief");
  const { body } = await request(
    kartad.url,
    "POST",
    "/v1/projects/bot/session_tokens",
    { sub: "bob" },
    bearer(brief.key),
  );
  const token = z.string().parse(body.token);
  secrets.push(token);
  const port = new URL(kartad.url).port;
  await kartad.kill();
  kartad = await home.start({ flags: ["--port", port, "--log-level", "trace"] });
  const bob = new KartaClient({ url: kartad.url, project: "bot", apiKey: token });
  const { id } = await bob.createSession();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of bob.stream(id, { text: "on and on" })) {
      seen.push(event.type);
      if (seen.length === 3) expect(await home.ask(["keys", "revoke", "brief"])).toMatchObject({ code: 0 });
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "unauthorized" });
  expect(seen).not.toContain("done");
  expect(await status(bearer(brief.key))).toBe(401);
  expect(await status(bearer(backend.key))).toBe(200);
  expect((await home.ask(["sessions", "cancel", id])).code).toBe(0);
  const { data } = z
    .object({ data: z.array(KeySchema) })
    .parse(JSON.parse((await home.ask(["keys", "list", "--all", "--json"])).stdout));
  expect(data.find(({ name }) => name === "brief")).toMatchObject({ state: "revoked" });
});

test("an address that others reach is refused without a key and works with one", async () => {
  const other = makeHome();
  try {
    const host = { flags: ["--host", "0.0.0.0"] };
    const refused = await other.runToEnd(host);
    expect(refused.code).toBe(DAEMON_EXIT.unsafe_bind);
    expect(refused.stderr).toContain("karta keys create");
    const first = await other.start();
    const { stdout } = await other.karta(["keys", "create", "backend", "--json"]);
    const { key } = CreatedKeySchema.parse(JSON.parse(stdout));
    await first.stop();
    const reached = await other.start(host);
    const url = reached.url.replace("0.0.0.0", "127.0.0.1");
    expect((await request(url, "GET", "/healthz")).status).toBe(200);
    expect((await request(url, "GET", "/v1/sessions")).status).toBe(401);
    expect((await request(url, "GET", "/v1/sessions", undefined, bearer(key))).status).toBe(200);
    await other.karta(["keys", "revoke", "backend"]);
    for (const headers of [{}, bearer(key)])
      expect((await request(url, "GET", "/v1/sessions", undefined, headers)).status).toBe(401);
  } finally {
    await other.remove();
  }
});

test("no secret is in the store, in a log, in what kartad printed, or in a process's arguments", async () => {
  // The ways in which they were presented badly too.
  for (const secret of secrets) {
    await request(kartad.url, "GET", `/v1/sessions?access_token=${secret}`);
    await request(kartad.url, "GET", "/v1/sessions", undefined, { "x-api-key": `${secret}x` });
    await request(kartad.url, "GET", `/v1/${secret}`);
  }
  const { stdout: processes } = await execa("ps", ["axww", "-o", "args"]);
  const files = readdirSync(home.state, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(home.state, name))
    .filter((file) => statSync(file).isFile());
  expect(files.some((file) => file.includes("kartad.") && file.endsWith(".log"))).toBe(true);
  expect(secrets.length).toBeGreaterThan(4);
  for (const secret of secrets) {
    const needle = secret.slice(-30);
    expect(processes).not.toContain(needle);
    expect(kartad.log()).not.toContain(needle);
    for (const file of files)
      expect([file, readFileSync(file, "latin1").includes(needle)]).toEqual([file, false]);
  }
});
