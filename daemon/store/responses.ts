/** Stored responses of OpenAI's Responses API. They go with their session, or with the oldest events (`events.ts`). */
import { sql, type Kysely } from "kysely";
import type { EventRow, ResponseRow, Tables } from "./schema.ts";

export class ResponseRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Harmless for one that is there: the turn of a repeated request has its response already. */
  async put(row: ResponseRow): Promise<void> {
    await this.#db
      .insertInto("responses")
      .values(row)
      .onConflict((conflict) => conflict.column("id").doNothing())
      .execute();
  }

  async get(id: string): Promise<ResponseRow | null> {
    const row = await this.#db.selectFrom("responses").selectAll().where("id", "=", id).executeTakeFirst();
    return row ?? null;
  }

  /** The response of a session's newest turn that has one. */
  async newestOf(sessionId: string): Promise<ResponseRow | null> {
    const row = await this.#db
      .selectFrom("responses")
      .selectAll()
      .where("session_id", "=", sessionId)
      .orderBy("accepted_seq", "desc")
      .executeTakeFirst();
    return row ?? null;
  }

  /** The newest message that a session accepted, by whatever API. */
  async newestTurnOf(sessionId: string): Promise<string | null> {
    const row = await this.#db
      .selectFrom("turns")
      .select("id")
      .where("session_id", "=", sessionId)
      .orderBy(sql`rowid`, "desc") // not by time: a clock may have been set back
      .executeTakeFirst();
    return row?.id ?? null;
  }

  /** The event that ended a response's turn; null while it has none. Reads that turn's events alone. */
  async endOf(
    response: Pick<ResponseRow, "session_id" | "turn_id" | "accepted_seq">,
  ): Promise<Pick<EventRow, "type" | "timestamp" | "data"> | null> {
    const row = await this.#db
      .selectFrom("events")
      .select(["type", "timestamp", "data"])
      .where("session_id", "=", response.session_id)
      .where("seq", ">", response.accepted_seq)
      .where("turn_id", "=", response.turn_id)
      .where("type", "in", ["done", "error"])
      .orderBy("seq")
      .executeTakeFirst();
    return row ?? null;
  }

  /** Whether a message was sent to a session with this Idempotency-Key. */
  async isKeyUsed(sessionId: string, key: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom("turns")
      .select("id")
      .where("session_id", "=", sessionId)
      .where("idempotency_key", "=", key)
      .executeTakeFirst();
    return row !== undefined;
  }

  async delete(id: string): Promise<void> {
    await this.#db.deleteFrom("responses").where("id", "=", id).execute();
  }
}
