import path from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { Kysely, sql } from "kysely";
import { sqliteDialect } from "../../../daemon/store/sqlite.ts";
import { folderWith } from "../apps/temp-project.ts";

interface Tables {
  notes: { text: string };
}

const db = new Kysely<Tables>({ dialect: sqliteDialect(path.join(await folderWith(), "small.db")) });
afterAll(() => db.destroy());
await sql`CREATE TABLE notes (text text not null unique)`.execute(db);

describe("a disk that is full", () => {
  test("is storage_unavailable, with a time to try again, and the store works on when there is room", async () => {
    await sql`PRAGMA max_page_count = 10`.execute(db);
    const big = { text: "x".repeat(100_000) };
    const refused = { code: "storage_unavailable", status: 503, retryAfterSeconds: 5 };
    await expect(db.insertInto("notes").values(big).execute()).rejects.toMatchObject(refused);
    const inTransaction = db.transaction().execute((tx) => tx.insertInto("notes").values(big).execute());
    await expect(inTransaction).rejects.toMatchObject(refused);
    await sql`PRAGMA max_page_count = 1000`.execute(db);
    await db.insertInto("notes").values(big).execute();
    expect(await db.selectFrom("notes").selectAll().execute()).toEqual([big]);
  });

  test("is not what a breach of a rule is taken for", async () => {
    await db.insertInto("notes").values({ text: "once" }).execute();
    await expect(db.insertInto("notes").values({ text: "once" }).execute()).rejects.toThrow("UNIQUE");
  });
});
