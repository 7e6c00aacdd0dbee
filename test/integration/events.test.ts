/** The events of a real kartad's sessions: watched, paged, on the public server and on the control socket, and pruned. */
import net from "node:net";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { frames, createSession, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { beginScripted, startScripted } from "../support/scripted-kartad.ts";
import { eventuallyIs } from "../support/processes.ts";
import { HANDSHAKE, openSocket, type OpenSocket } from "../support/websocket.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";
import { TailItemSchema } from "../../shared/protocol/control.ts";
import { LogLineSchema } from "../../shared/protocol/logs.ts";
import { SessionEventSchema, type SessionEvent } from "../../shared/events.ts";
import { EventPageSchema } from "../../shared/protocol/sessions.ts";

jest.setTimeout(60_000);

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await beginScripted(home);
});
afterAll(() => home.remove());

const order = (events: number, more: object = {}) => orderText({ events, ...more });
const FAMILIES = ["/v1", "/v1/projects/bot", "/local/bot/v1"];

/** The whole log of a session, page by page. */
async function logOf(id: string, query = ""): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for (let after = 0; ;) {
    const path = `/v1/sessions/${id}/events?follow=false&limit=4&after=${after}${query}`;
    const { body } = await request(kartad.url, "GET", path);
    const page = EventPageSchema.parse(body);
    if (page.data.length === 0) return events;
    events.push(...page.data);
    after = page.next_after;
  }
}

async function readSse(path: string, count: number, headers: Record<string, string> = {}) {
  const response = await fetch(kartad.url + path, { headers });
  expect(response.status).toBe(200);
  const events: SessionEvent[] = [];
  for await (const { event } of frames(response)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const socketTo = (path: string, more: Partial<Parameters<typeof openSocket>[0]> = {}) =>
  openSocket({ url: kartad.url.replace("http", "ws") + path, ...more });
const eventsOf = ({ said }: OpenSocket) => said.map((text) => SessionEventSchema.parse(JSON.parse(text)));

describe("a session's events", () => {
  test("are the same for all who watch, page or catch up, in every route family", async () => {
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, order(5));
    const sockets = await Promise.all(
      FAMILIES.map((family) => socketTo(`${family}/sessions/${id}/events?after=0`)),
    );
    const live = await socketTo(`/v1/sessions/${id}/events`);
    const streams = FAMILIES.map((family) => readSse(`${family}/sessions/${id}/events?after=0`, 14));
    await send(kartad.url, id, order(5));
    const log = await logOf(id);
    expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: 14 }, (_, index) => index + 1));
    for (const socket of sockets) {
      await socket.until(14);
      expect(eventsOf(socket)).toEqual(log);
      socket.ws.terminate();
    }
    for (const stream of streams) expect(await stream).toEqual(log);
    await live.until(7);
    expect(eventsOf(live)).toEqual(log.slice(7)); // without a cursor: from now on
    live.ws.terminate();
    const header = { "Last-Event-ID": "11" };
    expect(await readSse(`/v1/sessions/${id}/events?after=2`, 3, header)).toEqual(log.slice(11));
    const back = await socketTo(`/v1/sessions/${id}/events`, { headers: header });
    await back.until(3);
    expect(eventsOf(back)).toEqual(log.slice(11));
    back.ws.terminate();
  });

  test("hide harness internals, but for who includes them", async () => {
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, order(1, { system: 2 }));
    const all = await logOf(id, "&include=system");
    expect(all.map(({ type }) => type)).toEqual(["message", "system", "system", "text", "done"]);
    const plain = all.filter(({ type }) => type !== "system");
    expect(await logOf(id)).toEqual(plain);
    const at = `/v1/sessions/${id}/events?after=0`;
    expect(await readSse(at, 3)).toEqual(plain);
    expect(await readSse(`${at}&include=system`, 5)).toEqual(all);
    const socket = await socketTo(`${at}&include=system`);
    await socket.until(5);
    expect(eventsOf(socket)).toEqual(all);
    socket.ws.terminate();
  });

  test("are on the control socket too, whatever the Host: whoever reaches it is the operator", async () => {
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, order(3));
    const socket = await openSocket({
      url: `ws://some.other.host/v1/sessions/${id}/events?after=0`,
      socketPath: home.socket,
    });
    await socket.until(5);
    expect(eventsOf(socket)).toEqual(await logOf(id));
    expect(socket.headers["karta-version"]).toBeDefined();
    socket.ws.terminate();
    const elsewhere = socketTo(`/v1/sessions/${id}/events`, { headers: { Host: "some.other.host" } });
    await expect(elsewhere).rejects.toThrow("403");
  });
});

describe("the operator's feeds", () => {
  const feed = (target: string) => openSocket({ url: `ws://karta${target}`, socketPath: home.socket });
  const items = ({ said }: OpenSocket) => said.map((text) => TailItemSchema.parse(JSON.parse(text)));

  test("a tail shows every session in one order, and goes on from its cursor", async () => {
    const tail = await feed("/control/v1/tail");
    const ids = await Promise.all([1, 2, 3].map(async () => (await createSession(kartad.url)).id));
    await Promise.all(ids.map((id) => send(kartad.url, id, order(20))));
    await tail.until(66);
    const seen = items(tail);
    const cursors = seen.map(({ cursor }) => cursor);
    expect(cursors).toEqual([...cursors].sort((a, b) => a - b));
    expect(new Set(seen.map(({ project }) => project))).toEqual(new Set(["bot"]));
    for (const id of ids)
      expect(seen.flatMap(({ event }) => (event.session_id === id ? event : []))).toEqual(await logOf(id));
    tail.ws.terminate();

    const back = await feed(`/control/v1/tail?cursor=${cursors[30] ?? 0}`);
    await back.until(35);
    expect(items(back)).toEqual(seen.slice(31));
    expect(Number(back.headers["karta-cursor"])).toBe(cursors[30]);
    back.ws.terminate();
    const one = await feed(`/control/v1/tail?session=${ids[0] ?? ""}&after=20&project=bot`);
    await one.until(2);
    expect(items(one).map(({ event }) => event.seq)).toEqual([21, 22]);
    one.ws.terminate();
  });

  test("the log's lines are followed", async () => {
    const logs = await feed("/control/v1/logs?level=info");
    const folder = home.project("other", { "CLAUDE.md": "# Other" });
    await home.operator.addProject(folder, "other");
    await logs.until(1);
    expect(LogLineSchema.parse(JSON.parse(logs.said[0] ?? "")).level).toBeGreaterThanOrEqual(30);
    expect(await home.ask(["project", "remove", "other", "--yes"])).toMatchObject({ code: 0 });
    logs.ws.terminate();
  });

  test("are refused like any request", async () => {
    await expect(feed("/control/v1/tail?cursor=x")).rejects.toThrow("422");
    await expect(feed("/control/v1/logs?level=loud")).rejects.toThrow("422");
    await expect(feed("/control/v1/nothing")).rejects.toThrow("404");
  });
});

describe("a stop", () => {
  test("says goodbye to feeds and waits for none that does not answer", async () => {
    const { id } = await createSession(kartad.url);
    const polite = await socketTo(`/v1/sessions/${id}/events`);
    const operators = await openSocket({ url: "ws://karta/control/v1/tail", socketPath: home.socket });
    const deaf = net.connect(Number(new URL(kartad.url).port), "127.0.0.1");
    const head = Object.entries(HANDSHAKE).map(([name, value]) => `${name}: ${value}\r\n`);
    deaf.write(`GET /v1/sessions/${id}/events HTTP/1.1\r\nHost: localhost\r\n${head.join("")}\r\n`);
    await once(deaf, "readable");
    const stopped = kartad.stop();
    expect(await polite.ended).toEqual({ code: 1001, reason: "shutting_down" });
    expect(await operators.ended).toEqual({ code: 1001, reason: "shutting_down" });
    expect((await stopped).code).toBe(0);
    deaf.destroy();
    kartad = await startScripted(home);
  });
});

describe("retention", () => {
  test("drops a session's oldest events; what was asked of them is told, and the session goes on", async () => {
    const { id } = await createSession(kartad.url);
    const json = { text: order(10) };
    const key = { "Idempotency-Key": "once" };
    const asked = (url: string) => request(url, "POST", `/v1/sessions/${id}/messages`, json, key);
    expect((await asked(kartad.url)).status).toBe(200);
    await send(kartad.url, id, order(10)); // 24 events in all
    await kartad.stop();
    writeFileSync(path.join(home.state, "kartad.toml"), "retention_events = 8\nretention_days = 0\n");
    kartad = await startScripted(home);

    const page = async (query = "") => {
      const { body } = await request(kartad.url, "GET", `/v1/sessions/${id}/events?follow=false${query}`);
      return body;
    };
    const seqs = async () => EventPageSchema.parse(await page()).data.map(({ seq }) => seq);
    await eventuallyIs(seqs, [17, 18, 19, 20, 21, 22, 23, 24]);
    expect(await page("&after=15")).toMatchObject({ error: "cursor_expired", oldest_seq: 17 });
    expect(await page("&after=16")).toMatchObject({ next_after: 24 });
    const tooOld = `/v1/sessions/${id}/events?after=3`;
    expect((await fetch(kartad.url + tooOld)).status).toBe(410);
    await expect(socketTo(tooOld)).rejects.toThrow("410");
    expect(await asked(kartad.url)).toMatchObject({ status: 410, body: { error: "cursor_expired" } });

    expect(await request(kartad.url, "GET", `/v1/sessions/${id}`)).toMatchObject({ body: { last_seq: 24 } });
    const live = await socketTo(`/v1/sessions/${id}/events?after=16`);
    await send(kartad.url, id, order(1));
    await live.until(11);
    expect(eventsOf(live).map(({ seq }) => seq)).toEqual([17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]);
    live.ws.terminate();
  });
});
