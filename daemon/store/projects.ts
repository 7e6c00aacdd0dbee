/** Registered projects: a name, a folder, and which one is the default. What a folder declares is read from disk. */
import type { Kysely } from "kysely";
import type { ProjectRow, Tables } from "./schema.ts";

export class ProjectRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** In the order they were registered. */
  list(): Promise<ProjectRow[]> {
    return this.#db.selectFrom("projects").selectAll().orderBy("created_at").orderBy("name").execute();
  }

  async insert(row: ProjectRow): Promise<void> {
    await this.#db.insertInto("projects").values(row).execute();
  }

  /** Archives the project's sessions and forgets the project, in one transaction. Returns how many were archived. */
  remove(name: string, now: number): Promise<number> {
    return this.#db.transaction().execute(async (tx) => {
      const archived = await tx
        .updateTable("sessions")
        .set({ archived_at: now, updated_at: now })
        .where("project", "=", name)
        .where("archived_at", "is", null)
        .executeTakeFirst();
      await tx.deleteFrom("projects").where("name", "=", name).execute();
      return Number(archived.numUpdatedRows);
    });
  }

  async setDefault(name: string): Promise<void> {
    await this.#db
      .updateTable("projects")
      .set((eb) => ({ is_default: eb.case().when("name", "=", name).then(1).else(0).end() }))
      .execute();
  }
}
