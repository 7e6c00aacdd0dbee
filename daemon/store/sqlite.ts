/** `node:sqlite` behind Kysely's own SQLite dialect, so that no native build is needed. */
import { chmodSync, closeSync, existsSync, openSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SqliteAdapter, SqliteDialect, type SqliteDatabase, type SqliteStatement } from "kysely";
import { KartaError } from "../../shared/errors.ts";
import { isDamage } from "./corruption.ts";

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

/** SQLite's primary codes for a disk at fault: BUSY, READONLY, IOERR, FULL, CANTOPEN. */
const DISK_CODES: ReadonlySet<number> = new Set([5, 8, 10, 13, 14]);

/** True for what SQLite throws where the disk is at fault: full, read-only, broken, or not ours to write. */
export function isDiskFault(
  error: unknown,
): error is { readonly errcode: unknown; readonly message: unknown } {
  if (typeof error !== "object" || error === null || !("errcode" in error && "message" in error))
    return false;
  return DISK_CODES.has(Number(error.errcode) & 0xff); // the lowest byte is the primary code, the rest its details
}

/** Runs a statement. @throws KartaError `storage_unavailable` where the disk is at fault, not the statement */
function onDisk<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (isDamage(error)) {
      throw new KartaError(
        "storage_unavailable",
        "the store is damaged; stop kartad and run `karta doctor`",
        {
          cause: error,
        },
      );
    }
    if (!isDiskFault(error)) throw error;
    throw new KartaError(
      "storage_unavailable",
      "the store cannot be read or written; see `karta logs` and check the disk that holds Karta's state folder",
      { cause: error, retryAfterSeconds: 5 },
    );
  }
}

class Statement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return onDisk(() => this.#statement.all(...parameters.map(toValue)));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return onDisk(() => this.#statement.run(...parameters.map(toValue)));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...parameters.map(toValue));
  }
}

/** A full disk made SQLite roll back by itself; Kysely's own rollback must not fail then and hide the cause. */
const ROLLED_BACK_ALREADY: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
};

class StatementCache implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): SqliteStatement {
    if (sql === "rollback" && !this.#database.isTransaction) return ROLLED_BACK_ALREADY;
    const cached = this.#statements.get(sql);
    if (cached) return cached;
    const statement = new Statement(onDisk(() => this.#database.prepare(sql)));
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

/** Kysely's own says no, though SQLite can: its migrations would run statement by statement, and a crash leave half of one. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class Dialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/**
 * Opens (or makes) the database file. WAL and `synchronous=NORMAL`: a commit survives the death of kartad at any line;
 * only a power cut can take the last commits, and never leaves a torn database.
 */
export function sqliteDialect(file: string): SqliteDialect {
  ownersAlone(file);
  const database = new DatabaseSync(file, { timeout: 2000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
  return new Dialect({ database: new StatementCache(database) });
}

/** It holds what users said, whatever the folder's mode is. SQLite gives its log and index the mode of the file. */
function ownersAlone(file: string): void {
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
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

/** Reading every page of so much took 0.05 to 0.17 s on a busy machine; of a larger file a start reads what it needs, `karta doctor` all. */
const CHECKED_BYTES = 16 * 1024 * 1024;

/** What is wrong with the pages of a file that is not large; null: nothing, or it was not looked for. */
export function firstProblemIn(file: string): string | null {
  if (!existsSync(file) || statSync(file).size > CHECKED_BYTES) return null;
  const database = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
  try {
    const row = database.prepare("PRAGMA quick_check(1)").get();
    const said = String(row?.quick_check);
    return said === "ok" ? null : said;
  } finally {
    database.close();
  }
}
