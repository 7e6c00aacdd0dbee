/** A write-ahead log that a power cut has torn: the store opens with what was committed before the tear, and no hole. */
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { Store } from "../../../daemon/store/store.ts";
import { problemsOf } from "../../../daemon/store/corruption.ts";
import { sessionRow } from "../../support/store.ts";
import { folderWith } from "../apps/temp-project.ts";

const COMMITS = 20;
/** SQLite's: a header of 32 bytes, then frames of a header of 24 and a page. */
const HEADER = 32;
const FRAME = 24 + 4096;

/** A store that was killed after so many commits of one event each, with all of them in its log. */
async function killedStore(): Promise<{ folder: string; session: string }> {
  const folder = await folderWith();
  await (await Store.open(folder)).close(); // its schema is in the file
  const store = await Store.open(folder);
  const session = sessionRow();
  await store.sessions.insert(session);
  for (let seq = 1; seq <= COMMITS; seq += 1) {
    const row = { session_id: session.id, seq, turn_id: null, type: "text" as const, timestamp: seq };
    await store.events.append([{ ...row, data: JSON.stringify("x".repeat(500)) }], []);
  }
  const killed = await folderWith();
  for (const name of ["karta.db", "karta.db-wal"])
    copyFileSync(path.join(folder, name), path.join(killed, name));
  await store.close();
  return { folder: killed, session: session.id };
}

/** Reproducible noise. */
const garbled = (bytes: Buffer, from: number, to: number): Buffer => {
  const copy = Buffer.from(bytes);
  for (let at = from; at < Math.min(to, copy.length); at += 1) copy[at] = (copy[at] ?? 0) ^ (0x5a + (at % 7));
  return copy;
};

const TEARS: readonly [string, (log: string) => void][] = [
  ["ends in the middle of its last frame", (log) => truncateSync(log, statSync(log).size - 2000)],
  ["has lost its last five frames and a half", (log) => truncateSync(log, statSync(log).size - 5.5 * FRAME)],
  [
    "is half as long",
    (log) => truncateSync(log, HEADER + Math.floor(statSync(log).size / FRAME / 2) * FRAME),
  ],
  ["has noise in its last frame", (log) => noise(log, statSync(log).size - FRAME)],
  ["has noise in a frame in the middle, with good ones after it", (log) => noise(log, HEADER + 12 * FRAME)],
  ["ends in zeros, as a file that grew before its bytes came", (log) => zeros(log, 8 * FRAME)],
  ["has noise for a header", (log) => writeFileSync(log, garbled(readFileSync(log), 0, HEADER))],
];
function noise(log: string, from: number): void {
  writeFileSync(log, garbled(readFileSync(log), from, from + FRAME));
}
function zeros(log: string, bytes: number): void {
  const whole = readFileSync(log);
  writeFileSync(log, Buffer.concat([whole.subarray(0, whole.length - bytes), Buffer.alloc(bytes)]));
}

test.each(TEARS)("a store whose log %s", async (_what, tear) => {
  const { folder, session } = await killedStore();
  tear(path.join(folder, "karta.db-wal"));
  const store = await Store.open(folder);
  const kept = (await store.events.page(session, 0, 100)).map(({ seq }) => seq);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, place) => place + 1));
  expect(kept.length).toBeLessThan(COMMITS);
  const next = {
    session_id: session,
    seq: kept.length + 1,
    turn_id: null,
    type: "text" as const,
    timestamp: 99,
  };
  await store.events.append([{ ...next, data: '"on"' }], []); // and it goes on from there
  await store.close();
  expect(await problemsOf(path.join(folder, "karta.db"))).toEqual([]);
});
