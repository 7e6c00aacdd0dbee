/** The client against a fake daemon on a real socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { KartaClient } from "../../../cli/client/client.ts";
import { routes } from "../../../cli/client/routes.ts";
import { resolveSession } from "../../../cli/client/sessions.ts";
import { tail } from "../../../cli/client/tail.ts";
import { queryText } from "../../../shared/client/call.ts";
import type { EventDraft } from "../../../shared/events.ts";
import { startFakeKartad, type FakeKartad } from "../../fixtures/fake-kartad.ts";

let folder: string;
let fake: FakeKartad;
let client: KartaClient;
let versions: string[];

beforeEach(async () => {
  // A folder with a space and a colon: a path that a `ws+unix:` URL could not name.
  folder = mkdtempSync(path.join(tmpdir(), "k c:"));
  fake = await startFakeKartad(path.join(folder, "k.sock"));
  versions = [];
  client = new KartaClient({ socket: fake.socket, onVersion: (version) => versions.push(version) });
});
afterEach(async () => {
  await fake.close();
  rmSync(folder, { recursive: true, force: true });
});

const says = (text: string): EventDraft => ({
  type: "text",
  data: { part: { type: "text", text }, message_id: "msg_1" },
});

test("a call is read by its route's schema and tells the daemon's version", async () => {
  expect(await client.call(routes.status)).toMatchObject({ url: "http://127.0.0.1:8000" });
  expect(versions).toEqual(["0.1.0"]);
});

test("parameters are percent-encoded and an error keeps its code and fields", async () => {
  const asked = client.call(routes.getProject, { params: { name: "a/b?c" } });
  await expect(asked).rejects.toMatchObject({ code: "not_found", message: "there is no project a/b?c" });
  expect(fake.state.requests).toEqual(["GET /control/v1/projects/a%2Fb%3Fc"]);
});

test("an answer that does not fit the contract is an error of its own", async () => {
  fake.state.runningTurns = 0.5;
  await expect(client.call(routes.status)).rejects.toMatchObject({
    code: "bad_answer",
    issues: [{ path: "sessions.running_turns" }],
  });
});

test("a daemon that goes away before its answer is an error of its own", async () => {
  await fake.close();
  const dying = createServer((_, response) => response.destroy());
  await new Promise<void>((resolve) => dying.listen(fake.socket, resolve));
  await expect(client.call(routes.status)).rejects.toMatchObject({
    code: "daemon_went_away",
    message: `kartad on ${fake.socket} went away before its answer was complete; \`karta status\` says more`,
  });
  await new Promise((resolve) => dying.close(resolve));
  fake = await startFakeKartad(fake.socket);
});

test("a query leaves out what has no value", () => {
  expect(queryText({ a: 1, b: undefined, c: "x y", d: true })).toBe("?a=1&c=x+y&d=true");
  expect(queryText(undefined)).toBe("");
});

describe("finding a session", () => {
  test("goes over every page, and only when it must", async () => {
    for (let number = 0; number < 5; number += 1) fake.state.addSession(`sess_${number}${"x".repeat(23)}`);
    const ids: string[] = [];
    for await (const session of client.eachSession()) ids.push(session.id);
    expect(ids).toHaveLength(5);
    fake.state.requests.length = 0;
    expect(await resolveSession(client, "4")).toBe(ids[4]);
    expect(fake.state.requests).toHaveLength(3);
    fake.state.requests.length = 0;
    const full = `sess_${"y".repeat(24)}`;
    expect(await resolveSession(client, full)).toBe(full);
    expect(fake.state.requests).toEqual([]);
  });
});

describe("a turn", () => {
  test("is yielded event by event and ends at its terminal event", async () => {
    const session = fake.state.addSession();
    const types: string[] = [];
    for await (const event of client.turn(session.id, { text: "hello" })) types.push(event.type);
    expect(types).toEqual(["text", "text", "done"]);
  });

  test("that breaks off is read on, to its end", async () => {
    const session = fake.state.addSession();
    const seen: string[] = [];
    const changes: string[] = [];
    const onConnection = (change: string) => changes.push(change);
    for await (const event of client.turn(session.id, { text: "cut" }, { onConnection }))
      seen.push(event.type);
    expect(seen).toEqual(["text", "text", "done"]);
    expect(changes).toEqual(["open", "lost", "open"]);
  });

  test("that breaks off for good is an error, not an end", async () => {
    const session = fake.state.addSession();
    const hasty = new KartaClient({ socket: fake.socket, retry: { firstWaitMs: 1, giveUpAfterMs: 20 } });
    const seen: string[] = [];
    const reading = async () => {
      for await (const event of hasty.turn(session.id, { text: "wait" }))
        if (seen.push(event.type) === 1) await fake.close();
    };
    await expect(reading()).rejects.toMatchObject({ code: "no_daemon" });
    expect(seen).not.toContain("done");
    fake = await startFakeKartad(fake.socket, fake.state);
  });

  test("is refused with the daemon's own error", async () => {
    const refused = client.turn(`sess_${"z".repeat(24)}`, { text: "hi" }).next();
    await expect(refused).rejects.toMatchObject({ code: "not_found" });
  });
});

/** A kartad that is still starting: resolves once it has refused so many. */
async function refusedTimes(times: number): Promise<void> {
  const starting = createServer();
  const refused = new Promise<void>((resolve) => {
    let count = 0;
    starting.on("upgrade", (_, socket) => {
      const body = JSON.stringify({ error: "shutting_down", detail: "not yet" });
      socket.end(`HTTP/1.1 503 Service Unavailable\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      count += 1;
      if (count === times) resolve();
    });
  });
  await new Promise<void>((resolve) => starting.listen(fake.socket, resolve));
  await refused;
  starting.closeAllConnections();
  await new Promise((resolve) => starting.close(resolve));
}

describe("a tail", () => {
  const start = (filter: Parameters<typeof tail>[1] = {}) => {
    const stop = new AbortController();
    const changes: string[] = [];
    const items = tail(client, filter, { signal: stop.signal, onChange: (change) => changes.push(change) });
    const next = async (): Promise<number | undefined> => {
      const item = await items.next();
      return item.done === true ? undefined : item.value.event.seq;
    };
    return { stop, changes, items, next };
  };

  test("over many restarts, in the middle of a burst, is in order and exactly once", async () => {
    const session = fake.state.addSession();
    const { stop, changes, next } = start({ session: session.id, after: 0 });
    const seen: (number | undefined)[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (let number = 0; number < 20; number += 1) fake.emit(session, says(`${round}.${number}`));
      // Half of the round is read, then the socket is cut with the other half on its way.
      while (seen.length < round * 20 + 10) seen.push(await next());
      await fake.close();
      fake = await startFakeKartad(fake.socket, fake.state);
    }
    while (seen.length < 100) seen.push(await next());
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(changes.filter((change) => change === "gone").length).toBeGreaterThan(0);
    stop.abort();
    expect(await next()).toBeUndefined();
  });

  test("says only once that the daemon is away, however long", async () => {
    const session = fake.state.addSession();
    const { stop, changes, next } = start();
    const first = next();
    await fake.watched();
    fake.emit(session, says("1"));
    expect(await first).toBe(1);
    const second = next();
    await fake.close();
    fake.emit(session, says("2"));
    await refusedTimes(3);
    fake = await startFakeKartad(fake.socket, fake.state);
    expect(await second).toBe(2);
    expect(changes).toEqual(["gone", "back"]);
    stop.abort();
  });

  test("fails at once when nobody listens from the start", async () => {
    await fake.close();
    await expect(start().items.next()).rejects.toMatchObject({ code: "no_daemon" });
  });

  test("ends quietly when it is stopped while it waits for the daemon", async () => {
    const { stop, items } = start();
    const ended = items.next();
    await fake.watched();
    await fake.close();
    stop.abort();
    expect(await ended).toEqual({ done: true, value: undefined });
  });
});
