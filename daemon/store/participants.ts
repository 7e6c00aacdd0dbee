/** Who takes part in a session. A name stands once a session. */
import type { Kysely } from "kysely";
import type { ParticipantRow, Tables } from "./schema.ts";

export class ParticipantRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Adds a participant, or writes a known one anew; its place in the list stays. */
  async put(row: ParticipantRow): Promise<void> {
    await putParticipant(this.#db, row);
  }
}

export async function putParticipant(db: Kysely<Tables>, row: ParticipantRow): Promise<void> {
  const { type, display_name } = row;
  await db
    .insertInto("participants")
    .values(row)
    .onConflict((conflict) => conflict.columns(["session_id", "name"]).doUpdateSet({ type, display_name }))
    .execute();
}
