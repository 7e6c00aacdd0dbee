/** Keys: who may speak to the public plane. Of an API key's secret only a hash is here. */
import type { Kysely } from "kysely";
import type { KeyRow, Tables } from "./schema.ts";

export class KeyRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Newest first, the revoked among them. */
  list(): Promise<KeyRow[]> {
    return this.#db
      .selectFrom("keys")
      .selectAll()
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .execute();
  }

  async insert(row: KeyRow): Promise<void> {
    await this.#db.insertInto("keys").values(row).execute();
  }

  async update(id: string, change: Partial<Pick<KeyRow, "revoked_at" | "last_used_at">>): Promise<void> {
    await this.#db.updateTable("keys").set(change).where("id", "=", id).execute();
  }

  /** Forgets the keys that were revoked longest ago; so many stay. */
  async forgetRevoked(keep: number): Promise<void> {
    await this.#db
      .deleteFrom("keys")
      .where("id", "in", (eb) =>
        eb
          .selectFrom("keys")
          .select("id")
          .where("revoked_at", "is not", null)
          .orderBy("revoked_at", "desc")
          .limit(-1) // an offset wants one
          .offset(keep),
      )
      .execute();
  }
}
