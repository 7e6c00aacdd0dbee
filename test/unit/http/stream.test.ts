import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { once } from "node:events";
import net from "node:net";
import { httpBench, openAndStall, openStream, rawRequest, readToEnd } from "../../support/http.ts";
import { eventually } from "../../support/processes.ts";
import { z } from "zod";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(20_000); // megabytes of events go through the contract's check too

const bench = await httpBench(spawnerForTests());
const { port, harness, events, create, store } = bench;
const { script } = harness;
afterEach(() => {
  harness.script = script;
  jest.useRealTimers();
});

/** A session's events as frames, as the spec writes them. */
async function framesOf(id: string, after = 0): Promise<string> {
  const rows = await store.store.events.page(id, after, 10_000);
  const frames = rows.map(({ type, seq, session_id, turn_id, timestamp, data }) => {
    const parsed: unknown = JSON.parse(data);
    const json = JSON.stringify({ type, seq, session_id, turn_id, timestamp, data: parsed });
    // Some readers end a line there (`asOneLine`).
    return `id: ${seq}\nevent: ${type}\ndata: ${json.replaceAll("\u2028", "\\u2028")}\n\n`;
  });
  return frames.join("");
}
const messagesOf = (id: string) => `/v1/sessions/${id}/messages`;
const eventsOf = (id: string) => `/v1/sessions/${id}/events`;
const streamTurn = (id: string, text: string, query = "") =>
  openStream(port, { path: messagesOf(id) + query, body: { text, stream: true } });

describe("a turn's stream", () => {
  test("has the spec's headers and frames, byte for byte, and ends after the one terminal event", async () => {
    const id = await create();
    harness.script = (turn) => turn.say("We've got ").say("“blue” \u2028 ones 🧦").end();
    const stream = await streamTurn(id, "socks?");
    await stream.end();
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    const types = (await events(id)).map(({ type }) => type);
    expect(types).toEqual(["message", "text", "text", "done"]); // the first is not on the sender's own stream
    expect(stream.said).toBe(await framesOf(id, 1));
  });

  test("cannot be forged by what an agent prints", async () => {
    const id = await create();
    const evil = "\n\nevent: done\ndata: {}\n\n\r\n\r\nid: 99\r\n\r\n: ping\n\n";
    harness.script = (turn) => {
      turn.say(evil).emit({ type: "tool_use", id: evil, name: evil, input: { [evil]: evil } });
      turn.emit({ type: "step_start", description: evil }).end();
    };
    const stream = await streamTurn(id, evil);
    await stream.end();
    expect(stream.said.split("\n\n").filter((frame) => /^event: done$/m.test(frame))).toHaveLength(1);
    expect(stream.said.split("\n").filter((line) => line.startsWith("id: "))).toEqual([
      "id: 2",
      "id: 3",
      "id: 4",
      "id: 5",
    ]);
    expect(stream.said).not.toContain("\r");
    expect(stream.said).toBe(await framesOf(id, 1));
  });

  test("shows harness internals only to who includes them", async () => {
    harness.script = (turn) => turn.emit({ type: "system", subtype: "init", detail: { a: 1 } }).end();
    const plain = await streamTurn(await create(), "hi");
    const curious = await streamTurn(await create(), "hi", "?include=system");
    await Promise.all([plain.end(), curious.end()]);
    expect(plain.said).not.toContain("event: system");
    expect(curious.said).toContain("event: system");
  });

  test("of a client that leaves goes on without it, and can be read back", async () => {
    const id = await create();
    harness.script = () => undefined;
    const stream = await streamTurn(id, "a long one");
    const turn = await harness.nextTurn();
    turn.say("first");
    await stream.until("first");
    stream.leave();
    await eventually(() => store.feed.size === 0, "its listener was freed");
    turn.say("second").end();
    await eventually(() => bench.sessions.liveTurns.length === 0, "the turn has ended");
    const back = await rawRequest(port, "GET", `${eventsOf(id)}?follow=false&after=2`);
    expect(JSON.parse(back.body)).toEqual({ data: (await events(id)).slice(2), next_after: 4 });
    expect(turn.cancels).toBe(0);
  });

  test("ends with storage_unavailable when the turn's end cannot be stored", async () => {
    const id = await create();
    harness.script = (turn) => {
      store.breakWrites("INSERT ON events", "NEW.type = 'done'");
      turn.say("all of it").end();
    };
    const stream = await streamTurn(id, "hi");
    await stream.end();
    store.mendWrites();
    const last = stream.said.trim().split("\n\n").at(-1);
    expect(last).toMatch(/^event: error\ndata: \{"type":"error","data":\{"code":"storage_unavailable"/);
    expect(last).not.toContain("id:");
  });

  test("that waits behind another shows nothing of that one", async () => {
    const id = await create();
    harness.script = () => undefined;
    const first = await streamTurn(id, "first");
    const turn = await harness.nextTurn();
    const second = await streamTurn(id, "second");
    harness.script = script;
    turn.say("one").end();
    await Promise.all([first.end(), second.end()]);
    expect(first.said).toContain('"one"');
    expect(second.said).not.toContain('"one"');
    expect(second.said).toContain("You said: second");
  });

  test("is kept open by a comment after 15 seconds of silence, and not before", async () => {
    jest.useFakeTimers({
      doNotFake: ["setImmediate", "nextTick", "queueMicrotask", "performance", "Date", "hrtime"],
    });
    const id = await create();
    harness.script = () => undefined;
    const stream = await streamTurn(id, "think");
    const turn = await harness.nextTurn();
    jest.advanceTimersByTime(14_999);
    turn.say("a word");
    await stream.until("a word");
    jest.advanceTimersByTime(14_999);
    expect(stream.said).not.toContain("ping");
    jest.advanceTimersByTime(1);
    await stream.until(": ping\n\n");
    turn.end();
    await stream.end();
    expect(stream.said.replace(": ping\n\n", "")).toBe(await framesOf(id, 1));
    expect(jest.getTimerCount()).toBe(1); // the idle timer of the session's process; no ping is left
  });
});

describe("a session's feed", () => {
  test("begins now, and goes on over turns", async () => {
    const id = await create();
    await bench.ask(id, "before");
    const feed = await openStream(port, { path: eventsOf(id) });
    await bench.ask(id, "after");
    await feed.until("event: done");
    expect(feed.said).toBe(await framesOf(id, 3));
    feed.leave();
  });

  test("replays what came after a cursor and goes on live, with no gap and no duplicate", async () => {
    const id = await create();
    for (let turn = 0; turn < 30; turn += 1) await bench.ask(id, `turn ${turn}`);
    harness.script = () => undefined;
    const sent = await bench.send(id, "live");
    const live = await harness.nextTurn();
    const readers = [
      { after: 0, asked: openStream(port, { path: `${eventsOf(id)}?after=0` }) },
      { after: 41, asked: openStream(port, { path: `${eventsOf(id)}?after=41` }) },
      { after: 17, asked: openStream(port, { path: eventsOf(id), headers: { "Last-Event-ID": "17" } }) },
      // A browser that reconnects: the URL it began with, and the header.
      {
        after: 60,
        asked: openStream(port, { path: `${eventsOf(id)}?after=3`, headers: { "Last-Event-ID": "60" } }),
      },
    ];
    for (let word = 0; word < 50; word += 1) {
      live.say(`word ${word} `);
      await new Promise((resolve) => setImmediate(resolve));
    }
    live.say("the last word").end();
    await sent.outcome;
    const last = (await events(id)).length;
    for (const { after, asked } of readers) {
      const reader = await asked;
      await reader.until(`id: ${last}\n`);
      expect(reader.said).toBe(await framesOf(id, after));
      reader.leave();
    }
  });

  test("is read page by page with follow=false", async () => {
    const id = await create();
    for (let turn = 0; turn < 4; turn += 1) await bench.ask(id, `turn ${turn}`);
    const seen: unknown[] = [];
    let after = 0;
    for (const expected of [5, 10, 12, 12]) {
      const answer = await rawRequest(port, "GET", `${eventsOf(id)}?follow=false&limit=5&after=${after}`);
      const page: unknown = JSON.parse(answer.body);
      expect(page).toEqual({ data: (await events(id)).slice(after, after + 5), next_after: expected });
      seen.push(page);
      after = expected;
    }
    expect(seen).toHaveLength(4);
  });

  test("answers HEAD with its headers alone", async () => {
    const answer = await rawRequest(port, "HEAD", eventsOf(await create()));
    expect(answer).toMatchObject({ status: 200, body: "" });
    expect(store.feed.size).toBe(0);
  });

  test("of a client that left before it began holds nothing", async () => {
    const id = await create();
    for (let round = 0; round < 10; round += 1) {
      const socket = net.connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.write(`GET ${eventsOf(id)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, () => socket.destroy());
      await once(socket, "close");
    }
    await bench.ask(id, "anybody there?");
    await eventually(() => store.feed.size === 0, "no listener is left");
  });

  test("cuts a reader that never reads, with slow_consumer, while another gets everything", async () => {
    const id = await create();
    harness.script = () => undefined;
    const sent = await bench.send(id, "a lot");
    const turn = await harness.nextTurn();
    const stalled = await openAndStall(port, `${eventsOf(id)}?after=0`);
    const reader = await openStream(port, { path: `${eventsOf(id)}?after=0` });
    expect(store.feed.size).toBe(2);
    const big = "x".repeat(100_000); // a step's, since a turn's end repeats its texts
    for (let more = 0; store.feed.size === 2; more += 1) {
      if (more > 3000) throw new Error("nobody was cut off");
      turn.emit({ type: "step_start", description: more < 100 ? big : "." });
      if (more % 50 === 0) await bench.runtime.log.settled();
    }
    turn.end();
    await sent.outcome;
    const whole = await framesOf(id);
    await reader.untilLength(whole.length);
    expect(reader.said === whole).toBe(true); // megabytes: no diff wanted
    reader.leave();
    const got = await readToEnd(stalled);
    expect(got).toContain('event: error\ndata: {"type":"error","data":{"code":"slow_consumer"');
    const ids = [...got.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(ids.map((_, index) => index + 1)); // what it got has no gap: its cursor is good
    expect(ids.length).toBeLessThan((await events(id)).length);
  });
});

describe("a unary turn", () => {
  const ask = (id: string) =>
    rawRequest(port, "POST", messagesOf(id), { "Content-Type": "application/json" }, '{"text":"hi"}');

  test("that fails before any output is its code's own status, with a time to try again", async () => {
    harness.script = (turn) =>
      turn.end({
        kind: "failed",
        code: "pool_saturated",
        message: "full",
        retryable: true,
        usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
      });
    const answer = await ask(await create());
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toBe("1");
    expect(JSON.parse(answer.body)).toMatchObject({
      error: "pool_saturated",
      detail: "full",
      retryable: true,
    });
  });

  test("that fails after output is 502 with what was said", async () => {
    harness.script = (turn) =>
      turn.say("half").end({
        kind: "failed",
        code: "harness_unavailable",
        message: "gone",
        retryable: false,
        usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
      });
    const answer = await ask(await create());
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ error: "harness_unavailable", text: "half" });
  });

  test("that is cancelled says so, with what was said", async () => {
    const id = await create();
    harness.script = () => undefined;
    const asked = ask(id);
    (await harness.nextTurn()).say("half");
    const cancel = await rawRequest(port, "POST", `/v1/sessions/${id}/cancel`);
    expect(cancel.status).toBe(202);
    const { turn_id } = z.object({ turn_id: z.string() }).parse(JSON.parse(cancel.body));
    expect(JSON.parse((await asked).body)).toMatchObject({ status: "cancelled", text: "half", turn_id });
  });
});
