/**
 * Conversations that their clients tell anew with each message (the adapters of other APIs): which session's thread
 * stands where a told conversation ends. One row a session.
 */
import { sql, type Kysely } from "kysely";
import type { ConversationRow, Tables } from "./schema.ts";

/** What was told longer ago than this many messages is not looked for. */
const MAX_DIGESTS = 200;
/** Others may take some of them first. */
const MOST_FOUND = 20;

export class ConversationRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async get(sessionId: string): Promise<ConversationRow | null> {
    const row = await this.#db
      .selectFrom("conversations")
      .selectAll()
      .where("session_id", "=", sessionId)
      .executeTakeFirst();
    return row ?? null;
  }

  /**
   * Those of a project that stand at one of these digests: the later in the list the sooner, then the newest. Many may
   * have begun with the same words; whoever wants one has no use for more than a few.
   * @param owner.endUser null: everybody's
   */
  findAt(
    owner: { readonly project: string; readonly endUser: string | null },
    digests: readonly string[],
  ): Promise<ConversationRow[]> {
    const wanted = JSON.stringify(digests.slice(-MAX_DIGESTS));
    return (
      this.#db
        .selectFrom(sql<{ key: number; value: string }>`json_each(${wanted})`.as("wanted"))
        // A cross join keeps SQLite to this order: each digest's newest by the index, never all that began alike.
        .crossJoin("conversations")
        .selectAll("conversations")
        .where((eb) => {
          const newest = eb
            .selectFrom("conversations as told")
            .innerJoin("sessions", "sessions.id", "told.session_id")
            .select("told.session_id")
            .where("told.project", "=", owner.project)
            .whereRef("told.digest", "=", "wanted.value")
            .where("sessions.archived_at", "is", null)
            .$if(owner.endUser !== null, (all) => all.where("sessions.end_user", "=", owner.endUser))
            .orderBy("told.updated_at", "desc")
            .limit(MOST_FOUND);
          return eb("conversations.session_id", "in", newest);
        })
        .orderBy("wanted.key", "desc")
        .orderBy("conversations.updated_at", "desc")
        .limit(MOST_FOUND)
        .execute()
    );
  }

  /**
   * From now on nobody else finds it.
   * @returns false: somebody was first; or its session is archived, or has accepted another message since
   */
  async claim(sessionId: string, digest: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable("conversations")
      .set({ digest: null })
      .where("session_id", "=", sessionId)
      .where("digest", "=", digest)
      .where((eb) =>
        eb(
          "turns",
          "=",
          eb
            .selectFrom("turns")
            .select((inner) => inner.fn.countAll<number>().as("count"))
            .where("session_id", "=", sessionId),
        ),
      )
      .where((eb) =>
        eb.exists(
          eb.selectFrom("sessions").select("id").where("id", "=", sessionId).where("archived_at", "is", null),
        ),
      )
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Undoes a claim of which nothing came. */
  async giveBack(sessionId: string, digest: string): Promise<void> {
    await this.#db
      .updateTable("conversations")
      .set({ digest })
      .where("session_id", "=", sessionId)
      .where("digest", "is", null)
      .execute();
  }

  /** Drops those that nobody went on with since a time, and all beyond the newest. @returns how many went */
  async drop({ before, keep }: { readonly before: number; readonly keep: number }): Promise<number> {
    const oldest = await this.#db
      .selectFrom("conversations")
      .select("updated_at")
      .orderBy("updated_at", "desc")
      .offset(keep)
      .limit(1)
      .executeTakeFirst();
    const { numDeletedRows } = await this.#db
      .deleteFrom("conversations")
      .where((eb) =>
        eb.or([
          eb("updated_at", "<", before),
          ...(oldest === undefined ? [] : [eb("updated_at", "<=", oldest.updated_at)]),
        ]),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}

/** Writes a session's row, new or anew. @param db the transaction */
export async function putConversation(db: Kysely<Tables>, row: ConversationRow): Promise<void> {
  const { session_id: _, ...change } = row;
  await db
    .insertInto("conversations")
    .values(row)
    .onConflict((conflict) => conflict.column("session_id").doUpdateSet(change))
    .execute();
}
