/** Turns: who runs, how it ended and what it cost. Their words live in the harness and in the event log. */
import type { Kysely } from "kysely";
import type { Tables, TurnRow } from "./schema.ts";

export class TurnRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Turns that have no end: after a crash, those that died with the last daemon. Oldest first. */
  listLive(): Promise<TurnRow[]> {
    return this.#db
      .selectFrom("turns")
      .selectAll()
      .where("ended_at", "is", null)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
  }

  async get(sessionId: string, id: string): Promise<TurnRow | null> {
    const row = await this.#db
      .selectFrom("turns")
      .selectAll()
      .where("session_id", "=", sessionId)
      .where("id", "=", id)
      .executeTakeFirst();
    return row ?? null;
  }

  /** The newest turn of a session that was sent with this key since a time. */
  async findByKey(sessionId: string, key: string, since: number): Promise<TurnRow | null> {
    const row = await this.#db
      .selectFrom("turns")
      .selectAll()
      .where("session_id", "=", sessionId)
      .where("idempotency_key", "=", key)
      .where("created_at", ">", since)
      .orderBy("created_at", "desc")
      .executeTakeFirst();
    return row ?? null;
  }

  /** The session of the newest turn that was sent with this key since a time, whichever it is. */
  async sessionOfKey(key: string, since: number): Promise<string | null> {
    const row = await this.#db
      .selectFrom("turns")
      .select("session_id")
      .where("idempotency_key", "=", key)
      .where("created_at", ">", since)
      .orderBy("created_at", "desc")
      .executeTakeFirst();
    return row?.session_id ?? null;
  }

  /** How many messages a session has accepted. */
  async countOf(sessionId: string): Promise<number> {
    const { count } = await this.#db
      .selectFrom("turns")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .where("session_id", "=", sessionId)
      .executeTakeFirstOrThrow();
    return count;
  }

  async update(id: string, change: Partial<Omit<TurnRow, "id" | "session_id">>): Promise<void> {
    await this.#db.updateTable("turns").set(change).where("id", "=", id).execute();
  }
}
