/** What the client sends: where, with which key, and what it makes of answers that are none of Karta's. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { inspect } from "node:util";
import { afterAll, beforeEach, expect, test } from "@jest/globals";
import { KartaClient, type KartaClientOptions } from "../../../shared/client/index.ts";
import { FakeState } from "../../fixtures/fake-kartad-answers.ts";

const KEY = "key_secret123";
const state = new FakeState();
const ids = ["a", "b", "c"].map((letter) => state.addSession(`sess_${letter.repeat(24)}`).id);

const seen: { line: string; headers: IncomingHttpHeaders }[] = [];
let respond = (url: URL): { status: number; body: string } => ({ status: 200, body: JSON.stringify(url) });
const server = createServer((request, response) => {
  seen.push({ line: `${request.method ?? ""} ${request.url ?? ""}`, headers: request.headers });
  const { status, body } = respond(new URL(request.url ?? "/", "http://localhost"));
  response.writeHead(status, { "content-type": "application/json" }).end(body);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const url = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";

beforeEach(() => {
  seen.length = 0;
  respond = () => ({ status: 200, body: JSON.stringify(state.sessions[0]) });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const client = (options: Partial<KartaClientOptions> = {}) => new KartaClient({ url, ...options });

test("calls go to the flat family or to one project's, below the path that the URL has", async () => {
  await client().getSession("sess/../x");
  await client({ project: "support-bot" }).getSession("sess_1");
  await new KartaClient({ url: `${url}/karta/` }).getSession("sess_1");
  expect(seen.map(({ line }) => line)).toEqual([
    "GET /v1/sessions/sess%2F..%2Fx",
    "GET /v1/projects/support-bot/sessions/sess_1",
    "GET /karta/v1/sessions/sess_1",
  ]);
  expect(seen[0]?.headers.authorization).toBeUndefined();
});

test.each(["", ".", ".."])("the id %j is no step in the path: nothing is asked", async (id) => {
  const refused = { code: "not_found", status: 404 };
  await expect(client().getSession(id)).rejects.toMatchObject(refused);
  expect(() => client({ project: id })).toThrow(expect.objectContaining(refused));
  expect(seen).toEqual([]);
});

test("the key is sent with every request, and is in no error and in nothing that is printed", async () => {
  const karta = client({ apiKey: KEY });
  respond = () => ({ status: 401, body: JSON.stringify({ error: "unauthorized", detail: "no" }) });
  const errors = [
    await karta.getSession("sess_1").catch((error: unknown) => error),
    await karta
      .stream("sess_1", { text: "hi" })
      .next()
      .catch((error: unknown) => error),
    await new KartaClient({ url: "http://127.0.0.1:9", apiKey: KEY })
      .health()
      .catch((error: unknown) => error),
  ];
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
  for (const printed of [karta, ...errors]) {
    expect(inspect(printed, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(JSON.stringify(printed)).not.toContain(KEY);
  }
});

test.each<[string, Partial<KartaClientOptions>]>([
  ["a key that no header can carry", { apiKey: `${KEY}\n` }],
  ["a URL with a password", { url: `http://me:${KEY}@localhost` }],
  ["no URL", { url: `localhost:${KEY}` }],
  ["another protocol", { url: `ftp://${KEY}.example` }],
])("%s is refused at once, without being repeated", (_, options) => {
  const refused = expect(() => client(options));
  refused.toThrow(TypeError);
  refused.not.toThrow(new RegExp(KEY));
});

test("sessions are listed over all pages, with their filter", async () => {
  respond = ({ searchParams }) => {
    const from = Number(searchParams.get("cursor") ?? 0);
    const next = from + 2 < ids.length ? String(from + 2) : null;
    return {
      status: 200,
      body: JSON.stringify({ data: state.sessions.slice(from, from + 2), next_cursor: next }),
    };
  };
  const found: string[] = [];
  const filter = { status: "active" as const, metadata: { visitor: "v 1" } };
  for await (const session of client().listSessions(filter)) found.push(session.id);
  expect(found).toEqual(ids);
  expect(seen.map(({ line }) => line)).toEqual([
    "GET /v1/sessions?status=active&metadata.visitor=v+1&limit=200",
    "GET /v1/sessions?status=active&metadata.visitor=v+1&limit=200&cursor=2",
  ]);
});

test("what answers and is no Karta is said, with what was wrong", async () => {
  respond = () => ({ status: 200, body: JSON.stringify({ ...state.sessions[0], last_seq: "7" }) });
  await expect(client().getSession("sess_1")).rejects.toMatchObject({
    name: "UnreadableAnswerError",
    issues: [{ path: "last_seq" }],
  });
  respond = () => ({ status: 200, body: "<html>" });
  await expect(client().getSession("sess_1")).rejects.toMatchObject({
    name: "UnreadableAnswerError",
    status: 200,
  });
  respond = () => ({ status: 500, body: "{}" });
  await expect(client().send("sess_1", { text: "hi" })).rejects.toMatchObject({
    name: "UnreadableAnswerError",
    status: 500,
  });
  expect(seen).toHaveLength(3);
});
