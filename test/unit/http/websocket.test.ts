import { once } from "node:events";
import type { Socket } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "@jest/globals";
import { newId } from "../../../shared/ids.ts";
import { httpBench, openStream, rawRequest, refusal } from "../../support/http.ts";
import { eventually, eventuallyIs } from "../../support/processes.ts";
import { HANDSHAKE, openSocket, type OpenSocket } from "../../support/websocket.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port, harness, events, create, store, server } = bench;
const { script } = harness;
afterEach(() => {
  harness.script = script;
});

const eventsPath = (id: string, family = "/v1") => `${family}/sessions/${id}/events`;
const open = (path: string, headers: Record<string, string> = {}) =>
  openSocket({ url: `ws://127.0.0.1:${port}${path}`, headers });
const parsed = (socket: OpenSocket): unknown[] => socket.said.map((text): unknown => JSON.parse(text));

async function leave({ ws, ended }: OpenSocket): Promise<void> {
  ws.close();
  await ended;
}

describe("a session's WebSocket", () => {
  test.each(["/v1", "/v1/projects/bot", "/local/bot/v1"])(
    "at %s begins now and tells one event a message, over turns",
    async (family) => {
      const id = await create();
      await bench.ask(id, "before");
      const socket = await open(eventsPath(id, family));
      await bench.ask(id, "one");
      await bench.ask(id, "two");
      await socket.until(6);
      expect(parsed(socket)).toEqual((await events(id)).slice(3));
      await leave(socket);
      await eventually(() => store.feed.size === 0, "its listener was freed");
    },
  );

  test("replays what came after its cursor and goes on live, with no gap and no duplicate", async () => {
    const id = await create();
    for (let turn = 0; turn < 20; turn += 1) await bench.ask(id, `turn ${turn}`);
    harness.script = () => undefined;
    const sent = await bench.send(id, "live");
    const live = await harness.nextTurn();
    const asked = [
      { after: 0, socket: open(`${eventsPath(id)}?after=0`) },
      { after: 41, socket: open(`${eventsPath(id)}?after=41`) },
      { after: 17, socket: open(eventsPath(id), { "Last-Event-ID": "17" }) },
      { after: 60, socket: open(`${eventsPath(id)}?after=3`, { "Last-Event-ID": "60" }) },
    ];
    for (let word = 0; word < 50; word += 1) {
      live.say(`word ${word} `);
      await new Promise((resolve) => setImmediate(resolve));
    }
    live.end();
    await sent.outcome;
    const all = await events(id);
    for (const { after, socket: opening } of asked) {
      const socket = await opening;
      await socket.until(all.length - after);
      expect(parsed(socket)).toEqual(all.slice(after));
      await leave(socket);
    }
  });

  test("shows harness internals only to who includes them", async () => {
    const id = await create();
    harness.script = (turn) => turn.emit({ type: "system", subtype: "init", detail: { a: 1 } }).end();
    await bench.ask(id, "hi");
    const plain = await open(`${eventsPath(id)}?after=0`);
    const curious = await open(`${eventsPath(id)}?after=0&include=system`);
    await curious.until(3);
    await plain.until(2);
    const all = await events(id);
    expect(parsed(curious)).toEqual(all);
    expect(parsed(plain)).toEqual(all.filter(({ type }) => type !== "system"));
    await Promise.all([leave(plain), leave(curious)]);
  });

  test("is let in for a page whose Origin is on the list, without compression, with the answer's headers", async () => {
    const socket = await open(eventsPath(await create()), {
      Origin: "https://shop.example",
      "Sec-Fetch-Site": "cross-site",
    });
    expect(socket.ws.extensions).toBe("");
    expect(socket.headers["x-request-id"]).toMatch(/^req_/);
    await leave(socket);
  });

  test("holds a place under the server's bound of connections, and frees it", async () => {
    const id = await create();
    const { maxConnections } = server;
    await eventuallyIs(() => promisify(server.getConnections.bind(server))(), 0);
    server.maxConnections = 2;
    const sockets = [await open(eventsPath(id)), await open(eventsPath(id))];
    await expect(open(eventsPath(id))).rejects.toThrow();
    await Promise.all(sockets.map(leave));
    await leave(await open(eventsPath(id)));
    server.maxConnections = maxConnections;
  });
});

describe("an upgrade is refused as a request is,", () => {
  const session = newId("sess");
  test.each<[string, string, Record<string, string>, string, string]>([
    ["for an unknown session", eventsPath(session), {}, "404 not_found", "no such session"],
    ["in no project", eventsPath(session, "/v1/projects/nope"), {}, "404 not_found", "no such project"],
    ["in another organisation", eventsPath(session, "/acme/bot/v1"), {}, "404 not_found", "GET /acme"],
    ["on no route", "/v1/nothing", {}, "404 not_found", "GET /v1/nothing"],
    ["with another Host", "SESSION", { Host: "evil.example" }, "403 origin_not_allowed", "Host"],
    ["of a page", "SESSION", { Origin: "https://evil.example" }, "403 origin_not_allowed", "allowed_origins"],
    ["of a page of no Origin", "SESSION", { Origin: "null" }, "403 origin_not_allowed", "allowed_origins"],
    ["of another site", "SESSION", { "Sec-Fetch-Site": "cross-site" }, "403 origin_not_allowed", "allowed"],
    ["with an ?after of words", "SESSION?after=x", {}, "422 invalid_request", "after"],
    ["with a cursor of words", "SESSION", { "Last-Event-ID": "x" }, "422 invalid_request", "Last-Event-ID"],
    ["that will not follow", "SESSION?follow=false", {}, "422 invalid_request", "follow"],
    ["with a key that is none", "SESSION", { "Sec-WebSocket-Key": "x" }, "400 bad_request", "Key"],
    ["of another version", "SESSION", { "Sec-WebSocket-Version": "7" }, "400 bad_request", "Version"],
  ])("%s", async (_name, path, headers, is, words) => {
    const real = path.replace("SESSION", eventsPath(await create()));
    const refused = await refusal(port, { method: "GET", path: real, headers: { ...HANDSHAKE, ...headers } });
    expect(refused.is).toBe(is);
    expect(refused.words).toContain(words);
    expect(refused.answer.headers.connection).toBe("close");
    if (words === "Version") expect(refused.answer.headers["sec-websocket-version"]).toBe("13");
    expect(store.feed.size).toBe(0);
  });

  test("and on a route that is no feed it is answered as the plain request that it also is", async () => {
    const id = await create();
    const answer = await rawRequest(port, "GET", `/v1/sessions/${id}`, HANDSHAKE);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ id });
  });

  test("and one to another protocol is a plain request, which may be a stream", async () => {
    const id = await create();
    const stream = await openStream(port, {
      path: `${eventsPath(id)}?after=0`,
      headers: { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP" },
    });
    expect(stream.status).toBe(200);
    await bench.ask(id, "hi");
    await stream.until("event: done");
    stream.leave();
    const sent = await openStream(port, {
      path: `/v1/sessions/${id}/messages`,
      headers: { Connection: "Upgrade", Upgrade: "websocket" },
      body: { text: "a POST is none" },
    });
    await sent.end();
    expect(sent.said).toContain("You said: a POST is none");
  });
});

describe("a client of a feed", () => {
  test("that sends a message is told that there is nobody to read it", async () => {
    const socket = await open(eventsPath(await create()));
    socket.ws.send("hello?");
    expect(await socket.ended).toEqual({ code: 1003, reason: "takes_no_messages" });
    const loud = await open(eventsPath(await create()));
    loud.ws.send("x".repeat(1025));
    expect((await loud.ended).code).toBe(1009);
    await eventually(() => store.feed.size === 0, "both were freed");
  });

  test("that pings without reading the pongs does not fill kartad's memory with them", async () => {
    const connected = once(server, "connection") as Promise<[Socket]>;
    const socket = await open(eventsPath(await create()));
    const [served] = await connected;
    socket.ws.pause();
    const before = served.bytesRead;
    const PINGS = 120_000; // 16 MB of pongs: more than the system's own buffers take
    for (let ping = 0; ping < PINGS; ping += 1) socket.ws.ping("x".repeat(125));
    await eventually(() => served.bytesRead - before >= PINGS * 131, "they were all read");
    expect(served.writableLength).toBeGreaterThan(0); // it was put to the test
    expect(served.writableLength).toBeLessThan(17 * 1024);
    socket.ws.terminate();
    await socket.ended;
  });
});
