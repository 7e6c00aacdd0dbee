import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import { Store, StoreNewerError } from "../../../daemon/store/store.ts";
import { sessionRow } from "../../support/store.ts";
import { folderWith } from "../apps/temp-project.ts";

const FROM_THE_FUTURE =
  "INSERT INTO kysely_migration VALUES ('9999_from_the_future', '2030-01-01T00:00:00Z')";

function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** What the store's files hold: a hash of each. An index and an empty log hold nothing; any reader leaves them. */
function bytesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder).filter((name) => !name.endsWith("-shm"));
  const full = files.map((name) => path.join(folder, name)).filter((file) => statSync(file).size > 0);
  return Object.fromEntries(full.sort().map((file) => [path.basename(file), hashOf(file)]));
}

describe("a store", () => {
  test("is made from nothing, and opened again as it was left", async () => {
    const folder = await folderWith();
    const first = await Store.open(folder);
    const row = sessionRow();
    await first.sessions.insert(row);
    await first.close();
    const again = await Store.open(folder);
    expect(await again.sessions.get(row.id)).toMatchObject({ ...row, last_seq: 0 });
    await again.close();
    expect(readdirSync(folder)).toEqual(["karta.db"]); // the write-ahead log was folded in
  });

  test("of a kartad before there were keys is brought up to date: a session's user is known from its metadata", async () => {
    const folder = await folderWith();
    const before = await Store.open(folder);
    const rows = [{ end_user: "ada" }, { end_user: 42 }, {}].map((metadata) =>
      sessionRow({ metadata: JSON.stringify(metadata) }),
    );
    for (const row of rows) await before.sessions.insert(row);
    await before.close();
    const old = new DatabaseSync(path.join(folder, "karta.db"));
    old.exec(
      "DROP INDEX sessions_by_end_user; ALTER TABLE sessions DROP COLUMN end_user; DROP TABLE keys; " +
        "DELETE FROM kysely_migration WHERE name >= '0006'",
    );
    old.close();
    const after = await Store.open(folder);
    const users = await Promise.all(rows.map(async ({ id }) => (await after.sessions.get(id))?.end_user));
    expect(users).toEqual(["ada", null, null]);
    expect(await after.keys.list()).toEqual([]);
    await after.close();
  });

  test("of a newer kartad is refused by name, and not a byte of it is touched", async () => {
    const folder = await folderWith();
    await (await Store.open(folder)).close();
    const file = path.join(folder, "karta.db");
    const newer = new DatabaseSync(file);
    newer.exec(FROM_THE_FUTURE);
    newer.close();
    const before = bytesOf(folder);
    const refusal = Store.open(folder);
    await expect(refusal).rejects.toThrow(StoreNewerError);
    await expect(refusal).rejects.toThrow(
      `${file} was written by a newer kartad (it has "9999_from_the_future")`,
    );
    expect(bytesOf(folder)).toEqual(before);
  });

  test("of a newer kartad that was killed keeps its write-ahead log", async () => {
    const folder = await folderWith();
    await (await Store.open(folder)).close();
    const newer = new DatabaseSync(path.join(folder, "karta.db"));
    newer.exec(FROM_THE_FUTURE);
    // What a kill -9 leaves: the file and its log, not folded in.
    const killed = await folderWith();
    for (const name of ["karta.db", "karta.db-wal"])
      writeFileSync(path.join(killed, name), readFileSync(path.join(folder, name)));
    newer.close();
    const before = bytesOf(killed);
    expect(statSync(path.join(killed, "karta.db-wal")).size).toBeGreaterThan(0);
    await expect(Store.open(killed)).rejects.toThrow(StoreNewerError);
    expect(bytesOf(killed)).toEqual(before);
  });

  test("of a newer kartad with another journal keeps it", async () => {
    const folder = await folderWith();
    await (await Store.open(folder)).close();
    const newer = new DatabaseSync(path.join(folder, "karta.db"));
    newer.exec(`PRAGMA journal_mode = DELETE; ${FROM_THE_FUTURE}`);
    newer.close();
    const before = bytesOf(folder);
    await expect(Store.open(folder)).rejects.toThrow(StoreNewerError);
    expect(bytesOf(folder)).toEqual(before);
  });

  test("that is no database is refused and left alone", async () => {
    const folder = await folderWith({ "karta.db": "these are notes, not a database\n".repeat(100) });
    const before = bytesOf(folder);
    await expect(Store.open(folder)).rejects.toThrow("not a database");
    expect(bytesOf(folder)).toEqual(before);
  });

  test("keeps what was committed when kartad is killed", async () => {
    const folder = await folderWith();
    const store = await Store.open(folder);
    const row = sessionRow();
    await store.sessions.insert(row);
    const killed = await folderWith();
    for (const name of readdirSync(folder).filter((name) => !name.endsWith("-shm")))
      writeFileSync(path.join(killed, name), readFileSync(path.join(folder, name)));
    await store.close();
    const next = await Store.open(killed);
    expect((await next.sessions.get(row.id))?.id).toBe(row.id);
    await next.close();
  });
});
