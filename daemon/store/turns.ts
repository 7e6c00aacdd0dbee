/**
 * Turns: who runs, how it ended and what it cost. Their words live in the harness and in the event log. The order in which
 * they were accepted is that of their rows: a clock may have been set back.
 */
import { sql, type Kysely } from "kysely";
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
      .orderBy(sql`rowid`)
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
      .orderBy(sql`rowid`, "desc")
      .executeTakeFirst();
    return row ?? null;
  }

  /** The session of the newest turn that was sent with this key since a time, whichever it is. */
  async sessionOfKey(
    key: string,
    since: number,
    owner: { readonly project: string; readonly endUser: string | null },
  ): Promise<string | null> {
    let query = this.#db
      .selectFrom("turns")
      .innerJoin("sessions", "sessions.id", "turns.session_id")
      .select("turns.session_id")
      .where("turns.idempotency_key", "=", key)
      .where("turns.created_at", ">", since)
      .where("sessions.project", "=", owner.project)
      .orderBy(sql`turns.rowid`, "desc");
    if (owner.endUser !== null) query = query.where("sessions.end_user", "=", owner.endUser);
    return (await query.executeTakeFirst())?.session_id ?? null;
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
