/** A real store in a temp folder, and ways to make its disk fail. */
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll } from "@jest/globals";
import { Feed } from "../../daemon/events/feed.ts";
import { EventLog } from "../../daemon/events/log.ts";
import type { SessionRow } from "../../daemon/store/schema.ts";
import { Store } from "../../daemon/store/store.ts";
import { newId, type Id } from "../../shared/ids.ts";
import { folderWith, silent } from "../unit/apps/temp-project.ts";

export interface StoreBench {
  readonly folder: string;
  readonly file: string;
  readonly store: Store;
  readonly feed: Feed;
  readonly log: EventLog;
  /** A second connection to the same file. */
  readonly outside: DatabaseSync;
  /** From now on every write of this kind is refused by SQLite; a `when` narrows it. */
  breakWrites(
    kind: `${"INSERT" | "UPDATE"} ON ${"events" | "sessions" | "turns" | "participants"}`,
    when?: string,
  ): void;
  mendWrites(): void;
}

/** So many stores, each for one test: call at a test file's top level, and take one in a test. */
export async function storeBenches(count: number): Promise<() => StoreBench> {
  const unused = await Promise.all(Array.from({ length: count }, () => storeBench()));
  return () => {
    const bench = unused.pop();
    if (bench === undefined) throw new Error(`there were ${count} stores, and each is taken`);
    return bench;
  };
}

/** Closed after the test file's last test. */
export async function storeBench(): Promise<StoreBench> {
  const folder = await folderWith();
  const store = await Store.open(folder);
  const feed = new Feed();
  const file = path.join(folder, "karta.db");
  const outside = new DatabaseSync(file, { timeout: 2000 });
  afterAll(async () => {
    outside.close();
    await store.close();
  });
  return {
    folder,
    file,
    store,
    feed,
    log: new EventLog({ events: store.events, feed, logger: silent, now: () => Date.now() }),
    outside,
    breakWrites: (kind, when = "1") =>
      outside.exec(
        `DROP TRIGGER IF EXISTS broken;
         CREATE TRIGGER broken BEFORE ${kind} WHEN ${when} BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END`,
      ),
    mendWrites: () => outside.exec("DROP TRIGGER IF EXISTS broken"),
  };
}

/** A session row; the fields given win. */
export function sessionRow(given: Partial<SessionRow> = {}): SessionRow & { id: Id<"sess"> } {
  return {
    project: "bot",
    project_version: "dev",
    metadata: "{}",
    current_agent: "default",
    permission_mode: "interactive",
    parent_id: null,
    thread_id: null,
    created_at: 1000,
    updated_at: 1000,
    archived_at: null,
    idempotency_key: null,
    idempotency_hash: null,
    ...given,
    id: newId("sess"),
  };
}
