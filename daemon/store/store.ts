/** The store: one SQLite file, one repository a table. SQL lives in this folder alone. */
import path from "node:path";
import { Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import { ConversationRepository } from "./conversations.ts";
import { EventRepository } from "./events.ts";
import { MIGRATIONS } from "./migrations.ts";
import { ParticipantRepository } from "./participants.ts";
import { ProjectRepository } from "./projects.ts";
import { ResponseRepository } from "./responses.ts";
import type { Tables } from "./schema.ts";
import { SessionRepository } from "./sessions.ts";
import { migrationsIn, sqliteDialect } from "./sqlite.ts";
import { TurnRepository } from "./turns.ts";

/** The store was written by a kartad that knows migrations this one does not. It was left untouched. */
export class StoreNewerError extends Error {
  override readonly name = "StoreNewerError";
  readonly file: string;

  constructor(file: string, unknown: string) {
    super(
      `${file} was written by a newer kartad (it has "${unknown}"); upgrade Karta, or point KARTA_HOME elsewhere`,
    );
    this.file = file;
  }
}

/** Owner: the composition root. `close()` frees the file. */
export class Store {
  readonly projects: ProjectRepository;
  readonly sessions: SessionRepository;
  readonly turns: TurnRepository;
  readonly participants: ParticipantRepository;
  readonly conversations: ConversationRepository;
  readonly events: EventRepository;
  readonly responses: ResponseRepository;
  readonly #db: Kysely<Tables>;

  private constructor(db: Kysely<Tables>) {
    this.#db = db;
    this.projects = new ProjectRepository(db);
    this.sessions = new SessionRepository(db);
    this.turns = new TurnRepository(db);
    this.participants = new ParticipantRepository(db);
    this.conversations = new ConversationRepository(db);
    this.events = new EventRepository(db);
    this.responses = new ResponseRepository(db);
  }

  /**
   * Opens `<stateHome>/karta.db` and brings its schema up to date.
   * @throws StoreNewerError before anything is written, when the file is from a newer kartad
   */
  static async open(stateHome: string): Promise<Store> {
    const file = path.join(stateHome, "karta.db");
    refuseNewer(file);
    const db = new Kysely<Tables>({ dialect: sqliteDialect(file) });
    try {
      const migrator = new Migrator({
        db,
        provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
      });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined)
        throw error instanceof Error ? error : new Error(`migration failed: ${JSON.stringify(error)}`);
      return new Store(db);
    } catch (error) {
      await db.destroy();
      throw error;
    }
  }

  /** Folds the write-ahead log into the file and closes it. */
  async close(): Promise<void> {
    await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(this.#db);
    await this.#db.destroy();
  }
}

// Before the file is opened for writing: that alone folds in a write-ahead log, or changes the journal's kind.
function refuseNewer(file: string): void {
  const unknown = migrationsIn(file).find((name) => !(name in MIGRATIONS));
  if (unknown !== undefined) throw new StoreNewerError(file, unknown);
}
