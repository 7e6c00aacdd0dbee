/** `GET …/{id}` on the managed-agents wire: where a session stands, and all that was said. */
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, test } from "@jest/globals";
import express from "express";
import { z } from "zod";
import { sessionSource } from "../../../../daemon/events/sources.ts";
import { writeSnapshot } from "../../../../daemon/http/adapters/managed-agents/snapshot.ts";
import { listenOnPort } from "../../../../daemon/http/listen.ts";
import { httpBench, rawRequest } from "../../../support/http.ts";
import { ManagedAgentsClient, read } from "../../../support/managed-agents.ts";
import { EVERYWHERE } from "../../../support/sessions.ts";
import { spawnerForTests } from "../../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const { harness, url } = bench;
const client = new ManagedAgentsClient(`${url}/v1/projects/bot`);

describe("the snapshot", () => {
  test("has the very events of the streams, and those after a seq alone if asked", async () => {
    const id = await client.create();
    harness.script = (turn) => turn.say("one ").say("two").end();
    const { events } = await client.ask(id, "hi", 0);
    expect(await client.get(id)).toEqual({ id, status: "idle", events });
    const { body } = await client.call("GET", `/${id}?after=2`);
    expect(z.object({ events: z.array(z.unknown()) }).parse(body).events).toEqual(events.slice(2));
  });

  test("of a turn whose end is not stored yet says that it runs: a reader will see the end come", async () => {
    const id = await client.create();
    harness.script = () => undefined;
    await client.say(id, "hi");
    const [turn] = bench.sessions.liveTurns;
    bench.store.breakWrites("INSERT ON events", "NEW.type = 'done'");
    (await harness.nextTurn()).end();
    expect((await turn?.outcome)?.kind).toBe("completed");
    bench.store.mendWrites();
    expect((await client.get(id)).status).toBe("running");
  });

  test("of a session that has said nothing is empty and idle", async () => {
    const id = await client.create();
    expect(await client.get(id)).toEqual({ id, status: "idle", events: [] });
  });

  test("is whole for a session of thousands of events", async () => {
    const id = await client.create();
    harness.script = (turn) => {
      for (let word = 0; word < 3000; word += 1) turn.say(`wörd ${word} `);
      turn.end();
    };
    const { parts } = await client.ask(id, "hi", 0);
    const { events } = await client.get(id);
    expect(events).toHaveLength(3002);
    expect(read(events).parts).toEqual(parts);
  });

  test("to a client that leaves in the middle ends there; until then it listens no more with each page", async () => {
    const id = await client.create();
    harness.script = (turn) => {
      for (let word = 0; word < 3000; word += 1) turn.say(`word ${word} `);
      turn.end();
    };
    await client.ask(id, "hi", 0);
    const session = await bench.sessions.get(EVERYWHERE, id);
    const source = sessionSource(bench.store.store.events, bench.store.feed, id);
    const listeners: number[] = [];
    const written = Promise.withResolvers<undefined>();
    const app = express().get("/", (_request, response) => {
      const page: typeof source.page = async (after, count) => {
        listeners.push(response.listenerCount("close"));
        if (listeners.length === 5) {
          response.destroy();
          await once(response, "close");
        }
        return source.page(after, count);
      };
      writeSnapshot(response, { ...source, page }, session, 0).then(
        () => written.resolve(undefined),
        written.reject,
      );
    });
    const server = createServer({ highWaterMark: 1 }, app); // each write is one too many
    const address = `http://127.0.0.1:${await listenOnPort(server, "127.0.0.1", 0)}`;
    await expect(fetch(address).then((answer) => answer.text())).rejects.toThrow();
    await written.promise;
    expect(listeners).toEqual(Array(5).fill(listeners[0]));
    server.close();
  });

  test("is not there for a session that is not", async () => {
    const { port } = bench;
    const nowhere = "sess_000000000000000000000000";
    for (const path of ["", "/events/stream", "/transcript"])
      expect(await client.call("GET", `/${nowhere}${path}`)).toMatchObject({ status: 404 });
    const id = await client.create();
    const other = `/v1/projects/nobody/managed-agents/sessions/${id}`;
    expect((await rawRequest(port, "GET", other)).status).toBe(404);
  });
});
