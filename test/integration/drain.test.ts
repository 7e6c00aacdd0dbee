/** What clients see of a kartad that stops: nothing new begins, what runs may end, and what does not is ended and stored. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createSession, openTurn, request, storedEvents } from "../support/api.ts";
import { liveTurn } from "../support/live-turn.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";
import { eventuallyIs } from "../support/processes.ts";
import { beginScripted, startScripted } from "../support/scripted-kartad.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";

jest.setTimeout(60_000);

let home: TestHome;
/** A running turn ends when this file is there. */
let released: string;
beforeEach(() => {
  home = makeHome();
  released = path.join(home.folder, "released");
});
afterEach(() => home.remove());

test("new turns are 503 shutting_down with Retry-After while the running one ends; who waits is told the same, stored", async () => {
  const kartad = await beginScripted(home);
  const { id } = await createSession(kartad.url);
  const other = await createSession(kartad.url);
  const running = await liveTurn(kartad.url, id, orderText({ events: 1, until: released }));
  await running.until("text");
  const waiting = await liveTurn(kartad.url, id, orderText({ events: 1 }));
  process.kill(kartad.pid, "SIGTERM");
  const refusedInTime = (await waiting.rest()).at(-1)?.event;
  expect(refusedInTime).toMatchObject({ type: "error", data: { code: "shutting_down", retryable: true } });

  const refused = await request(kartad.url, "POST", `/v1/sessions/${other.id}/messages`, { text: "hello" });
  expect(refused).toMatchObject({ status: 503, body: { error: "shutting_down" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  const streamed = await openTurn(kartad.url, other.id, "hello");
  expect([streamed.status, streamed.headers.get("retry-after")]).toEqual([
    503,
    expect.stringMatching(/^\d+$/),
  ]);
  await streamed.text();
  const ready = await request(kartad.url, "GET", "/readyz");
  expect([ready.status, ready.headers.get("retry-after")]).toEqual([503, expect.stringMatching(/^\d+$/)]);
  expect((await request(kartad.url, "GET", "/healthz")).body).toMatchObject({ status: "draining" });

  writeFileSync(released, "");
  expect((await running.rest()).at(-1)?.event).toMatchObject({ type: "done", data: { status: "completed" } });
  expect(await kartad.exited).toMatchObject({ code: 0 });
  const next = await startScripted(home);
  const ends = (await storedEvents(next.url, id)).filter(({ type }) => type === "done" || type === "error");
  expect(ends.map(({ turn_id, type }) => [turn_id, type])).toEqual(
    expect.arrayContaining([
      [running.id, "done"],
      [waiting.id, "error"],
    ]),
  );
  expect(ends).toHaveLength(2);
  expect((await storedEvents(next.url, other.id)).length).toBe(0); // what was refused was not taken
});

test("a turn that goes on past the grace is cancelled, and its end is stored before kartad goes", async () => {
  mkdirSync(home.state, { recursive: true });
  writeFileSync(path.join(home.state, "kartad.toml"), "drain_seconds = 0.5\n");
  const kartad = await beginScripted(home);
  const { id } = await createSession(kartad.url);
  const running = await liveTurn(kartad.url, id, orderText({ events: 1, end: "hangs" }));
  await running.until("text");
  const rest = running.rest();
  expect(await kartad.stop()).toMatchObject({ code: 0 });
  expect((await rest).at(-1)?.event).toMatchObject({ type: "done", data: { status: "cancelled" } });
  const next = await startScripted(home);
  const ends = (await storedEvents(next.url, id)).filter(({ type }) => type === "done" || type === "error");
  expect(ends).toMatchObject([{ type: "done", turn_id: running.id, data: { status: "cancelled" } }]);
  expect(next.log()).not.toContain("daemon_restarted");
});

test("a stop asked for on the control socket drains as a signal does", async () => {
  const kartad = await beginScripted(home);
  const { id } = await createSession(kartad.url);
  const running = await liveTurn(kartad.url, id, orderText({ events: 1, until: released }));
  await running.until("text");
  const stopping = home.karta(["stop", "--json"]);
  await eventuallyIs(async () => (await request(kartad.url, "GET", "/readyz")).status, 503);
  writeFileSync(released, "");
  expect((await running.rest()).at(-1)?.event).toMatchObject({ type: "done", data: { status: "completed" } });
  const { code, stdout } = await stopping;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ pid: kartad.pid, running_turns: 1 });
});
