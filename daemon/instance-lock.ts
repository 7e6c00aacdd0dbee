/**
 * One kartad a state folder. The lock is an exclusive transaction on a small SQLite file, so the kernel holds it for
 * exactly as long as this process lives: a kill -9 frees it, a slow daemon keeps it (notes: pains, happy 1654).
 */
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Another kartad holds the state folder. */
export class AlreadyLockedError extends Error {
  override readonly name = "AlreadyLockedError";

  constructor(stateHome: string) {
    super(
      `another kartad uses ${stateHome}; stop it with \`karta stop\`, or set KARTA_HOME to another folder`,
    );
  }
}

const SQLITE_BUSY = 5;

/** Owner: main.ts. Freed by `release()`, or by the process's end. */
export class InstanceLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws AlreadyLockedError, or SQLite's own error for a folder that cannot be written */
  static acquire(stateHome: string): InstanceLock {
    const file = path.join(stateHome, "kartad.lock");
    closeSync(openSync(file, "a", 0o600)); // who could open it could hold it for ever
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      database.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (
        typeof error === "object" &&
        error !== null &&
        "errcode" in error &&
        error.errcode === SQLITE_BUSY
      ) {
        throw new AlreadyLockedError(stateHome);
      }
      throw error;
    }
    return new InstanceLock(database);
  }

  release(): void {
    this.#database.close();
  }
}
