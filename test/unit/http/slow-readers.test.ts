import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { httpBench, openStream } from "../../support/http.ts";
import { openSocket, type OpenSocket } from "../../support/websocket.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

jest.setTimeout(20_000); // megabytes

const bench = await httpBench(spawnerForTests());
const { port, harness, events, create, store, server } = bench;
const { script } = harness;
afterEach(() => {
  harness.script = script;
});

const eventsPath = (id: string) => `/v1/sessions/${id}/events`;
const open = (path: string) => openSocket({ url: `ws://127.0.0.1:${port}${path}` });

async function leave({ ws, ended }: OpenSocket): Promise<void> {
  ws.close();
  await ended;
}

describe("a WebSocket's reader", () => {
  test("that never reads is cut off at a bound, while another gets everything; it comes back for the rest", async () => {
    const id = await create();
    harness.script = () => undefined;
    const sent = await bench.send(id, "a lot");
    const turn = await harness.nextTurn();
    const connected = once(server, "connection") as Promise<[Socket]>;
    const stalled = await open(`${eventsPath(id)}?after=0`);
    const [served] = await connected;
    stalled.ws.pause();
    const reader = await open(`${eventsPath(id)}?after=0`);
    const description = "x".repeat(100_000); // a step's, since a turn's end repeats its texts
    let most = 0;
    for (let more = 0; store.feed.size === 2; more += 1) {
      if (more > 3000) throw new Error("nobody was cut off");
      turn.emit({ type: "step_start", description: more < 100 ? description : "." });
      if (more % 50 === 0) await bench.runtime.log.settled();
      most = Math.max(most, served.writableLength);
    }
    turn.end();
    await sent.outcome;
    expect(most).toBeLessThan(1024 * 1024 + 101_000); // the bound, and one event that went over it
    const all = await events(id);
    await reader.until(all.length);
    expect(reader.said).toHaveLength(all.length);
    await leave(reader);

    stalled.ws.resume();
    expect(await stalled.ended).toEqual({ code: 1013, reason: "slow_consumer" });
    const got = stalled.said.length;
    expect(got).toBeLessThan(all.length);
    const back = await open(`${eventsPath(id)}?after=${got}`);
    await back.until(all.length - got);
    expect([...stalled.said, ...back.said].map((text): unknown => JSON.parse(text))).toEqual(all);
    await leave(back);
  });
});

describe("a quick reader", () => {
  test("is not cut off by a burst of more events than a slow one may fall behind", async () => {
    const id = await create();
    const socket = await open(eventsPath(id));
    const stream = await openStream(port, { path: eventsPath(id) });
    // 3,000 at once, twice what a buffer takes; then one that is longer than a buffer.
    harness.script = (turn) => {
      for (let step = 0; step < 3000; step += 1)
        turn.emit({ type: "step_start", description: "x".repeat(500) });
      turn.say("y".repeat(1_500_000)).end();
    };
    await bench.ask(id, "all at once");
    const all = await events(id);
    await socket.until(all.length);
    expect(socket.said.map((text): unknown => JSON.parse(text))).toEqual(all);
    await stream.until(`id: ${all.length}\nevent: done\n`);
    const ids = [...stream.said.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(all.map(({ seq }) => seq));
    stream.leave();
    await leave(socket);
  });
});
