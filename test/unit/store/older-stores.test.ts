/** Stores of earlier kartads: brought up to date with all they hold, and not half of it when kartad dies on the way. */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import { MIGRATIONS } from "../../../daemon/store/migrations.ts";
import { migrationsIn, sqliteDialect } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import { folderWith } from "../apps/temp-project.ts";

const VERSIONS = Object.keys(MIGRATIONS);
/** The rows that the first version had tables for; every later one reads them. */
const ROWS = `
  INSERT INTO projects (name, path, created_at, is_default) VALUES ('bot', '/srv/bot', 1000, 1);
  INSERT INTO sessions (id, project, project_version, metadata, current_agent, permission_mode, thread_id, created_at, updated_at)
    VALUES ('sess_1', 'bot', 'dev', '{"end_user":"ada"}', 'default', 'interactive', 'thread-1', 1000, 2000);
  INSERT INTO turns (id, session_id, agent, state, created_at, ended_at, input_tokens) VALUES
    ('turn_1', 'sess_1', 'default', 'completed', 1000, 1100, 7), ('turn_2', 'sess_1', 'default', 'running', 1200, NULL, 0);
  INSERT INTO events (session_id, seq, turn_id, type, timestamp, data) VALUES
    ('sess_1', 1, 'turn_1', 'message', 1000, '{}'), ('sess_1', 2, 'turn_1', 'done', 1100, '{}'),
    ('sess_1', 3, 'turn_2', 'message', 1200, '{}');
`;

/** A store as the kartad left it whose newest migration was this one. */
async function storeOf(version: string): Promise<string> {
  const folder = await folderWith();
  const file = path.join(folder, "karta.db");
  const db = new Kysely<unknown>({ dialect: sqliteDialect(file) });
  const getMigrations = () => Promise.resolve({ ...MIGRATIONS });
  const { error } = await new Migrator({ db, provider: { getMigrations } }).migrateTo(version);
  await db.destroy();
  expect(error).toBeUndefined();
  const database = new DatabaseSync(file);
  database.exec(ROWS);
  database.close();
  return folder;
}

/** Everything that the rows hold, by the repositories of today. @throws for a store that is not whole */
async function contentsOf(folder: string): Promise<unknown> {
  const store = await Store.open(folder);
  try {
    return {
      projects: await store.projects.list(),
      session: await store.sessions.get("sess_1"),
      live: (await store.turns.listLive()).map(({ id }) => id),
      events: (await store.events.page("sess_1", 0, 10)).map(({ seq, type }) => [seq, type]),
      keys: await store.keys.list(),
    };
  } finally {
    await store.close();
    const database = new DatabaseSync(path.join(folder, "karta.db"));
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
    database.close();
  }
}
const CONTENTS = {
  projects: [{ name: "bot", path: "/srv/bot", created_at: 1000, is_default: 1 }],
  session: expect.objectContaining({
    thread_id: "thread-1",
    end_user: "ada",
    last_seq: 3,
    idempotency_key: null,
  }),
  live: ["turn_2"],
  events: [
    [1, "message"],
    [2, "done"],
    [3, "message"],
  ],
  keys: [],
};

describe("a store of an earlier kartad", () => {
  test.each(VERSIONS)("that ended with %s is brought up to date with all it holds", async (version) => {
    const folder = await storeOf(version);
    expect(await contentsOf(folder)).toEqual(CONTENTS);
    expect(migrationsIn(path.join(folder, "karta.db"))).toEqual(VERSIONS);
  });

  test.each([VERSIONS[0], VERSIONS[2]])(
    "that ended with %s is as it was, or up to date, at whatever statement kartad dies",
    async (version = "") => {
      const folder = await storeOf(version);
      const before = migrationsIn(path.join(folder, "karta.db"));
      const killed = await folderWith();
      const left: string[] = [];
      const run: unknown = Reflect.get(StatementSync.prototype, "run");
      if (typeof run !== "function") throw new Error("there is no run");
      Reflect.set(
        StatementSync.prototype,
        "run",
        function (this: unknown, ...parameters: unknown[]): unknown {
          const result: unknown = Reflect.apply(run, this, parameters);
          // What a kill -9 leaves at this instant: the file and its log.
          const place = path.join(killed, String(left.length));
          mkdirSync(place);
          for (const name of ["karta.db", "karta.db-wal"])
            if (existsSync(path.join(folder, name)))
              copyFileSync(path.join(folder, name), path.join(place, name));
          left.push(place);
          return result;
        },
      );
      try {
        await (await Store.open(folder)).close();
      } finally {
        Reflect.set(StatementSync.prototype, "run", run);
      }
      expect(left.length).toBeGreaterThan(10);
      for (const place of left) {
        expect([before, VERSIONS]).toContainEqual(migrationsIn(path.join(place, "karta.db")));
        expect(await contentsOf(place)).toEqual(CONTENTS);
      }
    },
  );
});
