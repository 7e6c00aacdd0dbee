/** The disk of kartad's state folder is full: what is refused, what ends, and that all of it goes on when there is room. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { parseLine } from "../../daemon/log/files.ts";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { isTerminal } from "../../shared/events.ts";
import { createSession, request, send, storedEvents } from "../support/api.ts";
import { requireRightStore } from "../support/crash/right-store.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { liveTurn } from "../support/live-turn.ts";
import { eventuallyIs } from "../support/processes.ts";
import { beginScripted, startScripted } from "../support/scripted-kartad.ts";
import { smallDisk, type SmallDisk } from "../support/small-disk.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";

jest.setTimeout(120_000);

const made = await smallDisk(16);
const skipped = "unavailable" in made ? made.unavailable : null;
if (skipped !== null) process.stderr.write(`not tested: ${skipped}\n`);
if (!("unavailable" in made)) await made.remove();
const onDisk = skipped === null ? test : test.skip;

let disk: SmallDisk;
let home: TestHome;
beforeEach(async () => {
  const found = await smallDisk(16);
  if ("unavailable" in found) return;
  disk = found;
  home = makeHome({ disk });
});
afterEach(async () => {
  if (skipped !== null) return;
  await home.remove();
  await disk.remove();
});

const REFUSED = { status: 503, body: expect.objectContaining({ error: "storage_unavailable" }) as unknown };
const readiness = async (kartad: Kartad) => (await request(kartad.url, "GET", "/readyz")).status;

onDisk(
  "while turns run: they end, nothing more is taken, and with room again each has its end and all goes on",
  async () => {
    const kartad = await beginScripted(home);
    const { id } = await createSession(kartad.url);
    const other = (await createSession(kartad.url)).id;
    await send(kartad.url, other, orderText({ events: 1 }));
    const endless = orderText({ events: 1_000_000, length: 400, pauseMs: 5 });
    const running = await liveTurn(kartad.url, id, endless);
    const waiting = await liveTurn(kartad.url, id, orderText({ events: 1 }));
    await running.until("text");
    disk.fill();

    // Each stream ends, with a frame that is no event of the log: it has no seq.
    for (const turn of [running, waiting]) await expect(turn.rest()).rejects.toThrow("expected");
    for (const session of [id, other]) {
      const refused = await request(kartad.url, "POST", `/v1/sessions/${session}/messages`, {
        text: "hello",
      });
      expect(refused).toMatchObject(REFUSED);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(await request(kartad.url, "POST", "/v1/sessions", {})).toMatchObject(REFUSED);
    expect(await request(kartad.url, "GET", "/readyz")).toMatchObject(REFUSED);
    expect((await request(kartad.url, "GET", "/healthz")).status).toBe(200); // it lives, though its log cannot be written

    expect((await home.karta(["logs", "--json"])).code).toBe(0); // what there is of it
    const second = home.project("second", { "CLAUDE.md": "# Second" });
    const backup = path.join(home.folder, "backup.db");
    for (const args of [
      ["project", "add", second, "second"],
      ["keys", "create", "ci"],
      ["backup", backup],
    ]) {
      const { code, stderr } = await home.karta(args);
      expect([args[0], code]).toEqual([args[0], expect.any(Number)]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/disk|store cannot be written/);
    }
    expect(existsSync(backup)).toBe(false);
    expect(readdirSync(path.join(disk.seen, "state")).filter((name) => name.includes("part-"))).toEqual([]);

    disk.free();
    const endsOf = async () =>
      (await storedEvents(kartad.url, id)).filter(isTerminal).map(({ turn_id, data }) => [turn_id, data]);
    const unavailable = expect.objectContaining({ code: "storage_unavailable", retryable: true }) as unknown;
    await eventuallyIs(async () => (await endsOf()).length, 2);
    expect(await endsOf()).toEqual([
      [running.id, unavailable],
      [waiting.id, unavailable],
    ]);
    await eventuallyIs(() => readiness(kartad), 200);
    for (const session of [id, other])
      expect(await send(kartad.url, session, orderText({ events: 1 }))).toMatchObject({
        status: "completed",
      });
    for (const session of [id, other]) {
      const page = await request(kartad.url, "GET", `/v1/sessions/${session}`);
      const newest = await request(
        kartad.url,
        "GET",
        `/v1/sessions/${session}/events?follow=false&after=${Number(page.body.last_seq) - 1}`,
      );
      expect(newest.body).toMatchObject({ data: [{ seq: page.body.last_seq, type: "done" }] });
    }
    expect((await home.karta(["project", "add", second, "second"])).code).toBe(0);
    expect((await home.karta(["project", "list", "--json"])).stdout).toContain("second");
    expect((await home.karta(["keys", "list", "--json"])).stdout).not.toContain('"ci"'); // nothing half-made was left
    expect((await home.karta(["backup", backup])).code).toBe(0);
    expect((await home.karta(["keys", "create", "ci"])).code).toBe(0);
    // The log goes on, by whole lines: those that found no room came later, or not at all.
    const { stdout: told } = await home.karta(["logs", "--json"]);
    for (const line of ["events can be stored again", '"key_name":"ci"']) expect(told).toContain(line);
    const folder = path.join(disk.seen, "state", "logs");
    const lines = readdirSync(folder).flatMap((name) =>
      readFileSync(path.join(folder, name), "utf8").split("\n"),
    );
    expect(lines.filter((line) => line !== "" && parseLine(line) === null)).toEqual([]);
    expect(await kartad.stop()).toMatchObject({ code: 0 });
    requireRightStore(path.join(disk.seen, "state"), { frames: [], ends: [] });
  },
);

onDisk(
  "at a start: it is refused in one line, nothing is lost, and it starts when there is room",
  async () => {
    const kartad = await beginScripted(home);
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, orderText({ events: 3 }));
    const running = await liveTurn(kartad.url, id, orderText({ events: 1, end: "hangs" }));
    await running.until("text");
    const before = await storedEvents(kartad.url, id);
    await kartad.kill(); // so that the next start has an end to store
    disk.fill();
    const exit = await home.runToEnd();
    expect(exit.code).toBe(DAEMON_EXIT.state_unwritable);
    expect(exit.stderr.trim().split("\n").at(-1)).toMatch(/^kartad: state_unwritable: .*(disk|space)/);
    disk.free();
    const next = await startScripted(home);
    const after = await storedEvents(next.url, id);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.slice(before.length)).toMatchObject([
      { type: "error", turn_id: running.id, data: { code: "daemon_restarted" } },
    ]);
    expect(await send(next.url, id, orderText({ events: 1 }))).toMatchObject({ status: "completed" });
  },
);

onDisk("at the very first start: nothing half-made is in the way of the next", async () => {
  disk.fill();
  const exit = await home.runToEnd();
  expect(exit.code).toBe(DAEMON_EXIT.state_unwritable);
  expect(exit.stderr.trim().split("\n").at(-1)).toMatch(/^kartad: state_unwritable: /);
  disk.free();
  const kartad = await beginScripted(home);
  const { id } = await createSession(kartad.url);
  expect(await send(kartad.url, id, orderText({ events: 1 }))).toMatchObject({ status: "completed" });
});

onDisk(
  "a kartad that nobody uses is ready again as soon as there is room: it is the question that tries",
  async () => {
    const kartad = await beginScripted(home);
    const { id } = await createSession(kartad.url);
    disk.fill();
    const order = { text: orderText({ events: 1, length: 100_000 }) };
    for (;;) {
      const { status } = await request(kartad.url, "POST", `/v1/sessions/${id}/messages`, order);
      if (status === 503) break; // until then it wrote over what the disk had for it
    }
    expect(await request(kartad.url, "GET", "/readyz")).toMatchObject(REFUSED);
    disk.free();
    expect(await readiness(kartad)).toBe(200);
    expect(await send(kartad.url, id, orderText({ events: 1 }))).toMatchObject({ status: "completed" });
  },
);

onDisk(
  "when kartad is told to stop: it stops as ever, and the next start has all that was stored",
  async () => {
    const kartad = await beginScripted(home);
    const { id } = await createSession(kartad.url);
    await send(kartad.url, id, orderText({ events: 3, length: 50_000 }));
    const before = await storedEvents(kartad.url, id);
    disk.fill();
    expect((await kartad.stop()).code).toBe(0);
    disk.free();
    expect(await storedEvents((await startScripted(home)).url, id)).toEqual(before);
  },
);
