/** What clients are told when what they ask for is no longer kept. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { httpBench, openAndStall, openStream, rawRequest, readToEnd, refusal } from "../../support/http.ts";
import { eventuallyIs } from "../../support/processes.ts";
import { HANDSHAKE, openSocket } from "../../support/websocket.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { port, harness, events, create, store } = bench;
const { script } = harness;
afterEach(() => {
  harness.script = script;
  store.mendWrites();
});

const eventsPath = (id: string) => `/v1/sessions/${id}/events`;
/** Drops what a sweep would: the session's events up to a seq. */
const prune = (id: string, upTo: number) =>
  store.store.events.dropOldest(id, { upTo, before: Infinity, limit: 100_000 });

describe("a cursor that is older than what is kept", () => {
  test("is answered 410 with the oldest seq that is, as a stream, a page and a WebSocket", async () => {
    const id = await create();
    for (let turn = 0; turn < 4; turn += 1) await bench.ask(id, `turn ${turn}`); // 12 events
    await prune(id, 7);
    for (const asked of [
      { path: `${eventsPath(id)}?after=6` },
      { path: `${eventsPath(id)}?after=0` },
      { path: eventsPath(id), headers: { "Last-Event-ID": "6" } },
      { path: `${eventsPath(id)}?follow=false&after=3` },
      { path: `${eventsPath(id)}?after=6`, headers: HANDSHAKE },
    ]) {
      const refused = await refusal(port, { method: "GET", ...asked });
      expect(refused.is).toBe("410 cursor_expired");
      expect(JSON.parse(refused.answer.body)).toMatchObject({ oldest_seq: 8 });
      expect(refused.words).toContain("after=7");
    }
    expect(store.feed.size).toBe(0);
  });

  test("begins one event before the oldest; what lies at it or later is good", async () => {
    const id = await create();
    for (let turn = 0; turn < 4; turn += 1) await bench.ask(id, `turn ${turn}`);
    await prune(id, 7);
    const kept = (await events(id)).slice(-5);
    const stream = await openStream(port, { path: `${eventsPath(id)}?after=7` });
    await stream.until("id: 12\n");
    expect(stream.said.match(/^id: \d+$/gm)).toEqual(["id: 8", "id: 9", "id: 10", "id: 11", "id: 12"]);
    stream.leave();
    const page = await rawRequest(port, "GET", `${eventsPath(id)}?follow=false&after=10`);
    expect(JSON.parse(page.body)).toEqual({ data: kept.slice(3), next_after: 12 });
  });

  test("is none when there is no cursor: a page begins at the oldest kept, a stream now", async () => {
    const id = await create();
    for (let turn = 0; turn < 4; turn += 1) await bench.ask(id, `turn ${turn}`);
    await prune(id, 7);
    const page = await rawRequest(port, "GET", `${eventsPath(id)}?follow=false&limit=2`);
    expect(JSON.parse(page.body)).toEqual({ data: (await events(id)).slice(0, 2), next_after: 9 });
    const stream = await openStream(port, { path: eventsPath(id) });
    await bench.ask(id, "now");
    await stream.until("event: done");
    expect(stream.said).toMatch(/^id: 13\n/);
    stream.leave();
  });
});

describe("a reader whose place is pruned while it is slow", () => {
  test("is told, as a stream and on a WebSocket, and got no gap before", async () => {
    const id = await create();
    harness.script = () => undefined;
    const sent = await bench.send(id, "a lot");
    const turn = await harness.nextTurn();
    const stalled = await openAndStall(port, `${eventsPath(id)}?after=0`);
    const socket = await openSocket({ url: `ws://127.0.0.1:${port}${eventsPath(id)}?after=0` });
    socket.ws.pause();
    const COUNT = 120; // 12 MB: more than the system's own buffers take, and fewer events than cut a reader off
    const description = "x".repeat(100_000); // a step's, since a turn's end repeats its texts
    for (let more = 0; more < COUNT; more += 1) turn.emit({ type: "step_start", description });
    turn.end();
    await sent.outcome;
    await prune(id, COUNT);
    expect(store.feed.size).toBe(2); // both stand where they stood

    socket.ws.resume();
    expect(await socket.ended).toEqual({ code: 4410, reason: "cursor_expired" });
    const seqs = socket.said.map((text) => (JSON.parse(text) as { seq: number }).seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(seqs.length).toBeLessThan(COUNT);

    const said = await readToEnd(stalled);
    const ids = [...said.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(ids.length).toBeLessThan(COUNT);
    expect(said).toMatch(
      /event: error\ndata: \{"type":"error","data":\{"code":"cursor_expired",.*"retryable":false\}\}/,
    );
    const refused = await refusal(port, {
      method: "GET",
      path: eventsPath(id),
      headers: { "Last-Event-ID": String(ids.at(-1)) },
    });
    expect(refused.is).toBe("410 cursor_expired");
  });
});

describe("a message that is sent again with its key", () => {
  const again = (id: string, stream: boolean) =>
    refusal(port, {
      path: `/v1/sessions/${id}/messages`,
      headers: { "Content-Type": "application/json", "Idempotency-Key": "once" },
      body: { text: "hi", stream },
    });
  const first = (id: string) =>
    rawRequest(
      port,
      "POST",
      `/v1/sessions/${id}/messages`,
      { "Content-Type": "application/json", "Idempotency-Key": "once" },
      '{"text":"hi"}',
    );

  test.each([1, 2, 3])("is told that its turn's events are gone, if only the first %d of 3", async (gone) => {
    const id = await create();
    expect(await first(id)).toMatchObject({ status: 200 });
    await bench.ask(id, "something else");
    await prune(id, gone);
    const ran = harness.said.length;
    for (const stream of [false, true]) {
      const { is, answer } = await again(id, stream);
      expect(is).toBe("410 cursor_expired");
      expect(JSON.parse(answer.body)).toMatchObject({ turn_id: expect.stringMatching(/^turn_/) as unknown });
    }
    expect(harness.said).toHaveLength(ran);
  });

  test("is not kept waiting for an end that could not be stored", async () => {
    const id = await create();
    harness.script = (turn) => {
      store.breakWrites("INSERT ON events", "NEW.type = 'done'");
      turn.say("all of it").end();
    };
    const told = await first(id); // its words were there all the same, but the log may yet have another end
    expect(told.status).toBe(503);
    expect(JSON.parse(told.body)).toMatchObject({ error: "storage_unavailable", text: "all of it" });
    await eventuallyIs(() => Promise.resolve(bench.sessions.liveTurns.length), 0);
    for (const stream of [false, true]) expect((await again(id, stream)).is).toBe("503 storage_unavailable");
  });
});
