/** `node:sqlite` behind Kysely's own SQLite dialect, so that no native build is needed. */
import { existsSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from "kysely";

/** Prepared statements kept; batches of a few sizes and every repository's queries fit well within it. */
const STATEMENT_CACHE = 200;

type Value = null | number | bigint | string | Uint8Array;

/** What SQLite can bind: Kysely hands parameters on as `unknown`. */
function toValue(parameter: unknown): Value {
  if (
    parameter === null ||
    typeof parameter === "number" ||
    typeof parameter === "bigint" ||
    typeof parameter === "string" ||
    parameter instanceof Uint8Array
  ) {
    return parameter;
  }
  throw new TypeError(`SQLite cannot bind a ${typeof parameter}`);
}

class Statement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.#statement.all(...parameters.map(toValue));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement.run(...parameters.map(toValue));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...parameters.map(toValue));
  }
}

class StatementCache implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): SqliteStatement {
    const cached = this.#statements.get(sql);
    if (cached) return cached;
    const statement = new Statement(this.#database.prepare(sql));
    if (this.#statements.size >= STATEMENT_CACHE) {
      const oldest = this.#statements.keys().next();
      if (!oldest.done) this.#statements.delete(oldest.value);
    }
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/**
 * Opens (or makes) the database file. WAL and `synchronous=NORMAL`: a commit survives the death of kartad at any line;
 * only a power cut can take the last commits, and never leaves a torn database.
 */
export function sqliteDialect(file: string): SqliteDialect {
  const database = new DatabaseSync(file, { timeout: 2000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
  return new SqliteDialect({ database: new StatementCache(database) });
}

/** Names of the migrations that a file went through, read without a write to it. None: there is no such file, or no table. */
export function migrationsIn(file: string): string[] {
  if (!existsSync(file)) return [];
  const database = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
  try {
    const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'").get();
    if (table === undefined) return [];
    const rows = database.prepare("SELECT name FROM kysely_migration").all();
    return rows.map(({ name }) => String(name));
  } finally {
    database.close();
  }
}
