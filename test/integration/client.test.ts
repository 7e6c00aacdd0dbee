/** karta/client on a real kartad with the real Claude Code: connections are cut, answers lost, and kartad killed in mid-turn. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { z } from "zod";
import { startWeb } from "../../examples/support-bot-demo/web/server.ts";
import { KartaClient } from "../../shared/client/index.ts";
import { socketTransport } from "../../shared/client/socket.ts";
import { isTerminal, type SessionEvent } from "../../shared/events.ts";
import { cuttingProxy, type CuttingProxy } from "../support/cutting-proxy.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

const SpawnedSchema = z.object({ session_id: z.string() });

const SLOW = "one two three four five six seven eight nine ten eleven twelve";
const LONG = Array.from({ length: 200 }, (_, index) => `word${index + 1}`).join(" ");
const SCRIPT = `first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "slowly"
text = "${SLOW}"
tokens_per_second = 20
[[reply]]
when = "on and on"
text = "${LONG}"
tokens_per_second = 20
[[reply]]
when = "write (?<name>\\\\w+)"
tool = { name = "Write", input = { file_path = "$<name>.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"
[default]
text = "turn {{turn}} of this conversation"
`;

let home: TestHome;
let kartad: Kartad;
let proxy: CuttingProxy;

beforeAll(async () => {
  home = makeHome();
  const folder = home.project("bot", { "CLAUDE.md": "# Bot", "offline.toml": SCRIPT });
  kartad = await home.start();
  proxy = await cuttingProxy(kartad.url);
  expect(await home.ask(["project", "add", folder, "bot"])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await proxy.close();
  await home.remove();
});

/** kill -9, and a start at the same address. */
async function crash(): Promise<void> {
  await kartad.kill();
  kartad = await home.start({ flags: ["--port", new URL(kartad.url).port] });
}

const words = (events: readonly SessionEvent[]) =>
  events.map((event) => (event.type === "text" ? event.data.part.text : "")).join("");
const seqs = (events: readonly SessionEvent[]) => events.map(({ seq }) => seq);

/** The session's whole log, as the feed tells it. */
async function wholeLog(client: KartaClient, id: string): Promise<SessionEvent[]> {
  const { last_seq } = await client.getSession(id);
  const found: SessionEvent[] = [];
  for await (const event of client.events(id, { after: 0, include: "system" })) {
    found.push(event);
    if (event.seq === last_seq) break;
  }
  return found;
}

/** Every event once, in order; each turn with one end. */
async function expectWholeLog(client: KartaClient, id: string, turns: number): Promise<void> {
  const log = await wholeLog(client, id);
  expect(seqs(log)).toEqual(log.map((_, index) => index + 1));
  expect(log.filter(({ type }) => type === "message")).toHaveLength(turns);
  expect(log.filter(isTerminal)).toHaveLength(turns);
}

test("kill -9 in the middle of a stream: it goes on to the turn's one end, over a URL and over the socket", async () => {
  const clients = [
    new KartaClient({ url: kartad.url }),
    new KartaClient({ transport: socketTransport(home.socket) }),
  ];
  let midway = 0;
  const streams = clients.map(async (karta) => {
    const { id } = await karta.createSession();
    const seen: SessionEvent[] = [];
    const changes: string[] = [];
    const options = { onConnection: (change: string) => changes.push(change), include: "system" as const };
    for await (const event of karta.stream(id, { text: "on and on" }, options)) {
      const before = words(seen).includes("word3");
      seen.push(event);
      if (!before && words(seen).includes("word3") && (midway += 1) === clients.length) await crash();
    }
    expect(changes).toEqual(["open", "lost", "open"]);
    expect(seen.at(-1)).toMatchObject({ type: "error", data: { code: "daemon_restarted" } });
    expect(seen.filter(isTerminal)).toHaveLength(1);
    expect(seqs(seen)).toEqual(seen.map((_, index) => index + 2)); // the first is the message itself
    expect(await karta.send(id, { text: "again" })).toMatchObject({ status: "completed" });
    await expectWholeLog(karta, id, 2);
  });
  await Promise.all(streams);
});

test("an answer that is lost after it was accepted, and connections cut anywhere: one turn, told whole", async () => {
  const karta = new KartaClient({ url: proxy.url, retry: { firstWaitMs: 5 } });
  proxy.cutAfter(0); // of the creation
  const { id } = await karta.createSession({ metadata: { seen: "by proxy" } });
  proxy.cutAfter(0, 350, 700, 500, 1200, 30, 900);
  const before = proxy.cuts;
  const seen: SessionEvent[] = [];
  for await (const event of karta.stream(id, { text: "count slowly" })) seen.push(event);
  expect(proxy.cuts - before).toBeGreaterThan(3);
  expect(words(seen)).toBe(SLOW);
  expect(seen.filter(isTerminal)).toHaveLength(1);
  proxy.cutAfter(0, 20);
  expect(await karta.send(id, { text: "more" })).toMatchObject({ text: "turn 2 of this conversation" });
  await expectWholeLog(new KartaClient({ url: kartad.url }), id, 2);
  const created: string[] = [];
  for await (const session of karta.listSessions({ metadata: { seen: "by proxy" } }))
    created.push(session.id);
  expect(created).toEqual([id]);
});

test("an approval that waits when kartad is killed ends the stream plainly; one that is answered goes on", async () => {
  const karta = new KartaClient({ url: kartad.url, project: "bot" });
  const { id } = await karta.createSession({});
  await karta.warm(id);
  for (const crashes of [false, true]) {
    const seen: string[] = [];
    for await (const event of karta.stream(id, { text: `write note${crashes ? 2 : 1}` })) {
      seen.push(event.type);
      if (event.type !== "input_required") continue;
      if (crashes) await crash();
      else await karta.answerInput(id, event.data.request_id, { decision: "approve_once" });
    }
    expect(seen.filter((type) => type === "input_resolved")).toHaveLength(1);
    expect(seen.at(-1)).toBe(crashes ? "error" : "done");
  }
  await karta.delete(id);
  expect((await karta.getSession(id)).status).toBe("archived");
});

test("the rest of the API: settings, people, history, one turn of several cancelled by its id", async () => {
  const karta = new KartaClient({ url: kartad.url });
  const { id } = await karta.createSession({ metadata: { a: 1 } });
  const patched = await karta.patch(id, { metadata: { a: null, b: "2" } });
  expect(patched.metadata).toEqual({ b: "2" });
  expect(await karta.addParticipant(id, { name: "anna", type: "human" })).toMatchObject({ name: "anna" });
  const first = karta.stream(id, { text: "on and on" });
  await first.next();
  const second = karta.stream(
    id,
    { text: "waits", participant_name: "anna" },
    { onTurn: (turnId) => void karta.cancel(id, { turnId }) },
  );
  expect((await second.next()).value).toMatchObject({ type: "done", data: { status: "cancelled" } });
  expect((await karta.getSession(id)).turn).toMatchObject({ state: "running" });
  await karta.cancel(id);
  expect((await Array.fromAsync(first)).at(-1)).toMatchObject({ type: "done" });
  await karta.send(id, { text: "more" });
  const { data, next_cursor } = await karta.messages(id);
  expect(data.at(-2)).toMatchObject({ role: "user", text: "more" });
  expect(data.at(-1)).toMatchObject({ role: "assistant", text: expect.stringContaining("turn") });
  expect(next_cursor).toBeNull();
  const stored = await Array.fromAsync(karta.storedEvents(id, { include: "system" }));
  expect(seqs(stored)).toEqual(stored.map((_, index) => index + 1));
});

test("the demo's web server: the visitor's reply ends with what kartad says of it, over a kill -9", async () => {
  const web = await startWeb({ port: 0, kartaUrl: kartad.url, project: "bot" });
  const post = (path: string, body?: object) =>
    fetch(web.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const { session_id } = SpawnedSchema.parse(await (await post("/api/spawn")).json());
  const reply = await post("/api/message", { session_id, text: "on and on" });
  if (reply.body === null) throw new Error("no body");
  let said = "";
  let crashed = false;
  for await (const chunk of reply.body.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    if (said.includes("word3") && !crashed) {
      crashed = true;
      await crash();
    }
  }
  expect(said.match(/^event: (done|error)$/gm)).toEqual(["event: error"]);
  expect(said).toContain("daemon_restarted");
  const ids = Array.from(said.matchAll(/^id: (\d+)$/gm), ([, seq]) => Number(seq));
  expect(ids).toEqual(ids.map((_, index) => (ids[0] ?? 0) + index));
  await web.close();
});
