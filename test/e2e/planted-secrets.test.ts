/**
 * Secrets planted wherever an operator, a project, a client or an agent has one, many things done with them that go well and
 * that fail, at log level trace; then all that kartad and karta wrote, answered and started is searched for them.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { KartaClient } from "../../cli/client/client.ts";
import { routes } from "../../cli/client/routes.ts";
import { KartaError } from "../../shared/errors.ts";
import type { CreatedKey, CreateKey } from "../../shared/protocol/keys.ts";
import { LogLineSchema } from "../../shared/protocol/logs.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { plantedProjects } from "./support/planted-projects.ts";
import { commandLines, filesBelow, Planted } from "./support/planted.ts";

jest.setTimeout(120_000);

const planted = new Planted();
const SECRETS = {
  anthropic: planted.plant("ANTHROPIC_API_KEY", "sk-ant-api03-"),
  openai: planted.plant("OPENAI_API_KEY"),
  oauth: planted.plant("CLAUDE_CODE_OAUTH_TOKEN"),
  database: planted.plant("a URL's password in the environment"),
  bound: planted.plant("[env] from the daemon's environment"),
  dotEnv: planted.plant("[env] from .env"),
  header: planted.plant("a header in .mcp.json"),
  serverEnv: planted.plant("an env in .mcp.json"),
  openCode: planted.plant("a key in opencode.json"),
  misplaced: planted.plant("a secret where .mcp.json wants an object"),
} as const;

/** What was said, and by whom. */
const seen: { readonly where: string; readonly text: string }[] = [];
const note = (where: string, text: string): void => void seen.push({ where, text });

let home: TestHome;
let kartad: Kartad;
let model: Server;

/** A model's service that refuses every key, and repeats it. */
async function refusingModel(): Promise<Server> {
  const server = createServer((request, response) => {
    const key = JSON.stringify(request.headers);
    const message = `invalid x-api-key: ${key}`;
    request.resume();
    response.writeHead(401, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ type: "error", error: { type: "authentication_error", message } }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const PROJECTS = plantedProjects(SECRETS);

async function karta(...args: string[]): Promise<string> {
  const told = await home.ask(args);
  note(`karta ${args.join(" ")}`, told.stdout + told.stderr);
  return told.stdout;
}

/** As `karta project add` does, without its process. */
async function add(name: string, folder: string): Promise<void> {
  const body = { path: folder, name };
  const told = await new KartaClient({ socket: home.socket })
    .call(routes.addProject, { body })
    .catch((error: unknown) => (error instanceof KartaError ? error.toBody() : String(error)));
  note(`adding ${name}`, JSON.stringify(told));
}

async function http(
  method: string,
  route: string,
  { body, headers = {} }: { body?: unknown; headers?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const response = await fetch(kartad.url + route, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  note(`${method} ${route} → ${response.status}`, JSON.stringify([...response.headers]) + text);
  return text;
}

/** Asks for a WebSocket as a browser does, with the credential as a protocol that it offers. */
async function upgrade(route: string, credential: string): Promise<void> {
  const raw = await RawConnection.open(Number(new URL(kartad.url).port));
  raw.write(
    `GET ${route} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${btoa("0123456789abcdef")}\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Protocol: events, karta.bearer.${credential}\r\n\r\n`,
  );
  await raw.until("\r\n\r\n");
  raw.leave();
  note(`WebSocket ${route}`, raw.said);
}

const IdSchema = z.object({ id: z.string() });
const TokenSchema = z.object({ token: z.string() });

/** A key, whose text its own creation may tell, and nothing else. */
function makeKey(body: CreateKey): Promise<CreatedKey> {
  return new KartaClient({ socket: home.socket }).call(routes.createKey, { body });
}

let key = "";
const own = () => ({ headers: { Authorization: `Bearer ${key}` } });

beforeAll(async () => {
  model = await refusingModel();
  const { port } = z
    .object({ port: z.number() })
    .parse(model.address() satisfies string | AddressInfo | null);
  home = makeHome();
  kartad = await home.start({
    offline: false,
    flags: ["--log-level", "trace"],
    env: {
      ANTHROPIC_API_KEY: SECRETS.anthropic,
      OPENAI_API_KEY: SECRETS.openai,
      CLAUDE_CODE_OAUTH_TOKEN: SECRETS.oauth,
      DATABASE_URL: `postgres://karta:${SECRETS.database}@db.example/karta`,
      FROM_DAEMON: SECRETS.bound,
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
    },
  });
  for (const [name, files] of Object.entries(PROJECTS)) {
    await add(name, home.project(name, files));
  }
});
afterAll(async () => {
  model.closeAllConnections();
  model.close();
  await home.remove();
});

test("agents, scripts and apps that fail and tell all they know", async () => {
  for (const project of ["claude", "answers", "dies", "worse", "fails", "refuses", "setup"]) {
    const made = IdSchema.safeParse(JSON.parse(await http("POST", "/v1/sessions", { body: { project } })));
    const id = made.data?.id;
    if (id === undefined) continue; // a project that cannot be started says so here
    const body = { text: "hello" };
    await http("POST", `/v1/sessions/${id}/messages`, { body: { ...body, stream: project !== "dies" } });
    note("ps", commandLines());
    await http("POST", `/v1/sessions/${id}/messages`, { body: { text: "policy" } });
    await http("GET", `/v1/sessions/${id}/events?follow=false&include=system`);
    await http("GET", `/v1/sessions/${id}`);
    if (project === "fails") {
      await karta("sessions", "tail", id, "--no-follow", "--include-system");
      await karta("sessions", "show", id);
    }
  }
  expect(seen.filter(({ where }) => where.includes("/messages → ")).length).toBeGreaterThan(8);
});

test("credentials that are good, and that are refused, in every place where one can be", async () => {
  const made = await makeKey({ kind: "api", name: "good", scope: "admin" });
  key = planted.know("an API key", made.key);
  const revoked = planted.know("a revoked API key", (await makeKey({ kind: "api", name: "gone" })).key);
  await karta("keys", "revoke", "gone");
  const embed = await makeKey({
    kind: "embed",
    name: "page",
    project: "dies",
    origins: ["https://page.example"],
    verify_identity: true,
  });
  planted.know("an identity secret", embed.identity_secret ?? "");
  const session = IdSchema.parse(
    JSON.parse(await http("POST", "/v1/sessions", { body: { project: "answers" }, ...own() })),
  );
  const place = `/v1/sessions/${session.id}`;
  const asked = await fetch(`${kartad.url}/v1/projects/answers/session_tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...own().headers },
    body: JSON.stringify({ sub: "ada" }),
  });
  const token = TokenSchema.safeParse(await asked.json()).data?.token;
  const jwt = planted.know(
    "a session token",
    token ?? planted.plant("a made-up token", "eyJhbGciOiJIUzI1NiJ9."),
  );

  const wrong = planted.plant("a wrong API key", `sk_live_${"a".repeat(12)}_`);
  const foreign = planted.plant("a foreign key");
  const hmac = planted.plant("an identity token");
  for (const credential of [wrong, foreign, revoked, jwt, `${jwt}x`]) {
    await http("GET", place, { headers: { Authorization: `Bearer ${credential}` } });
    await http("GET", place, { headers: { "X-Api-Key": credential } });
    await http("GET", place, { headers: { Authorization: `Basic ${btoa(`u:${credential}`)}` } });
    await http("GET", place, { headers: { Authorization: `Bearer  ${credential} ${credential}` } });
    await http("GET", place, { headers: { Cookie: `key=${credential}; karta=${credential}` } });
    await http("GET", `${place}?key=${credential}&api_key=${credential}`, own());
    await http("POST", `${place}/messages`, {
      body: { text: "hi" },
      headers: { ...own().headers, "Idempotency-Key": credential },
    });
    await upgrade(`${place}/events`, credential);
  }
  // Of Karta's own form: what a client puts into a path is otherwise a path.
  for (const credential of [wrong, revoked, jwt]) {
    await http("GET", `/v1/${credential}/sessions`, own());
    await http("GET", `/v1/sessions/${credential}`, own());
    await http("GET", `/v1/projects/${credential}/sessions`, own());
    await http("POST", "/v1/sessions", { body: { project: credential, agent: credential }, ...own() });
    await http("POST", `${place}/messages`, {
      body: { text: 7, agent: [credential], [credential]: 1 },
      ...own(),
    });
    await http("POST", `${place}/messages`, { body: `{"text": "hi", "agent": ${credential}`, ...own() });
    await http("PATCH", place, { body: { permission_mode: credential }, ...own() });
  }
  await http("POST", "/v1/embed/session-tokens", {
    body: { embed_key: embed.key, user_id: "ada", identity_token: hmac },
    headers: { Origin: "https://page.example" },
  });
  const raw = await RawConnection.open(Number(new URL(kartad.url).port));
  raw.write(`GET ${place} HTTP/1.1\r\nHost: localhost\r\nAuthorization ${wrong}\r\n\r\n`);
  await raw.closed();
  note("a malformed header", raw.said);
  expect(planted.size).toBeGreaterThan(15);
});

test("none of them is in what karta says, in the log or on standard error", async () => {
  for (const args of [
    ["status", "--json"],
    ["doctor"],
    ["pool", "--json"],
    ["keys", "list", "--all", "--json"],
    ["project", "show", "answers", "--json"],
    ["project", "check", path.join(home.folder, "answers")],
    ["project", "check", path.join(home.folder, "misplaced")],
    ["service", "install", "--dry-run"],
    ["logs"],
  ]) {
    await karta(...args);
  }
  note("ps", commandLines());
  const printed = (await karta("logs", "--json"))
    .split("\n")
    .flatMap((line) => (line === "" ? [] : LogLineSchema.parse(JSON.parse(line))));
  await kartad.stop();
  note("standard error", kartad.log());
  const leaks = seen.flatMap(({ where, text }) => planted.foundIn(text).map((what) => `${what}: ${where}`));
  expect([...new Set(leaks)]).toEqual([]);
  // What was looked through is what there is to find: the agents did tell, and it is known in whose turn.
  const lines = printed.filter(({ msg }) => msg?.includes("<FROM_DOT_ENV>"));
  for (const project of ["answers", "dies"])
    expect(lines).toContainEqual(expect.objectContaining({ project }));
  for (const { project, session_id, turn_id, request_id } of lines.filter((line) => line.part === "acp"))
    if (turn_id !== undefined)
      expect({ project, session_id, turn_id, request_id }).toEqual({
        project: expect.any(String),
        session_id: expect.stringMatching(/^sess_/),
        turn_id: expect.stringMatching(/^turn_/),
        request_id: expect.stringMatching(/^req_/),
      });
  expect(lines.some(({ turn_id }) => turn_id !== undefined)).toBe(true);
  expect(printed).toContainEqual(
    expect.objectContaining({
      level: 40,
      project: "dies",
      msg: "the agent exited with code 9 in the middle of a turn",
      turn_id: expect.any(String),
    }),
  );
  expect(kartad.log()).toContain("<FROM_DOT_ENV>");
  expect(kartad.log()).toContain("<FROM_DAEMON>");
});

test("none of them is in the store, nor in any other file but those that are there for them", () => {
  /**
   * What holds secrets by its nature, all of it for the owner alone: the folders of projects, kartad's own keys, and what a
   * harness keeps itself: its transcripts, in which a model's service may have been repeated, and its HOME.
   */
  const meantFor = [...Object.keys(PROJECTS), "state/keys", "state/harness", "state/workspaces"].map(
    (name) => `${name}/`,
  );
  const files = filesBelow(home.folder).filter(
    ({ file }) => !meantFor.some((folder) => file.startsWith(folder)),
  );
  expect(files.some(({ file }) => file.startsWith("state/karta.db") || file.endsWith(".db"))).toBe(true);
  expect(files.some(({ file }) => /logs\/kartad\.\d+\.log$/.test(file))).toBe(true);
  expect(files.flatMap(({ file, text }) => planted.foundIn(text).map((what) => `${what}: ${file}`))).toEqual(
    [],
  );
  for (const { file, mode } of filesBelow(path.join(home.state, "keys")))
    expect([file, mode]).toEqual([file, 0o600]);
  expect(statSync(home.state).mode & 0o777).toBe(0o700);
});
