/** The store: one SQLite file, one repository a table. SQL lives in this folder alone. */
import { Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import { KartaError } from "../../shared/errors.ts";
import { ConversationRepository } from "./conversations.ts";
import { isDamage, StoreCorruptError } from "./corruption.ts";
import { EventRepository } from "./events.ts";
import { storeFile } from "./files.ts";
import { KeyRepository } from "./keys.ts";
import { MIGRATIONS } from "./migrations.ts";
import { ParticipantRepository } from "./participants.ts";
import { ProjectRepository } from "./projects.ts";
import { ResponseRepository } from "./responses.ts";
import type { Tables } from "./schema.ts";
import { SessionRepository } from "./sessions.ts";
import { firstProblemIn, isDiskFault, migrationsIn, sqliteDialect } from "./sqlite.ts";
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
  readonly keys: KeyRepository;
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
    this.keys = new KeyRepository(db);
  }

  /**
   * Opens `<stateHome>/karta.db` and brings its schema up to date.
   * @throws StoreNewerError, StoreCorruptError before anything is written, where the file is from a newer kartad or damaged
   * @throws KartaError `storage_unavailable` where the disk is full, or cannot be written
   */
  static async open(stateHome: string): Promise<Store> {
    const file = storeFile(stateHome);
    try {
      refuse(file);
      return new Store(await migrated(file));
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      throw new KartaError(
        "storage_unavailable",
        `${file} cannot be read or written (${String(error.message)}); check the disk that holds it`,
        { cause: error },
      );
    }
  }

  /** Folds the write-ahead log into the file and closes it. A disk without room for that leaves it to the next start. */
  async close(): Promise<void> {
    try {
      await folded(this.#db);
    } catch (error) {
      if (!(error instanceof KartaError) || error.code !== "storage_unavailable") throw error;
    }
  }
}

/** Brings the schema of a file up to date and closes it. @throws what the migration throws; then nothing of it was done */
export async function migrateFile(file: string): Promise<void> {
  await folded(await migrated(file));
}

async function folded(db: Kysely<Tables>): Promise<void> {
  try {
    await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db);
  } finally {
    await db.destroy();
  }
}

async function migrated(file: string): Promise<Kysely<Tables>> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(file) });
  try {
    const migrator = new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined)
      throw error instanceof Error ? error : new Error(`migration failed: ${JSON.stringify(error)}`);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

// Before the file is opened for writing: that alone folds in a write-ahead log, or changes the journal's kind.
function refuse(file: string): void {
  let problem: string | null;
  try {
    const unknown = migrationsIn(file).find((name) => !(name in MIGRATIONS));
    if (unknown !== undefined) throw new StoreNewerError(file, unknown);
    problem = firstProblemIn(file);
  } catch (error) {
    if (!isDamage(error)) throw error;
    problem = error.message;
  }
  if (problem !== null) throw new StoreCorruptError(file, problem);
}
