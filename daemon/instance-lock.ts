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

/** The lock cannot be taken because its file cannot be made or read: a full disk, a folder that is not ours. */
export class LockUnusableError extends Error {
  override readonly name = "LockUnusableError";

  constructor(file: string, cause: unknown) {
    super(`${file} cannot be locked (${reasonOf(cause)}); check the disk that holds it, and whose it is`, {
      cause,
    });
  }
}

function reasonOf(cause: unknown): string {
  const said = typeof cause === "object" && cause !== null && "message" in cause ? cause.message : cause;
  return String(said);
}

const SQLITE_BUSY = 5;

/** Owner: main.ts. Freed by `release()`, or by the process's end. */
export class InstanceLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws AlreadyLockedError, LockUnusableError */
  static acquire(stateHome: string): InstanceLock {
    const file = path.join(stateHome, "kartad.lock");
    let database: DatabaseSync | null = null;
    try {
      closeSync(openSync(file, "a", 0o600)); // who could open it could hold it for ever
      database = new DatabaseSync(file, { timeout: 0 });
      database.exec("BEGIN EXCLUSIVE");
      return new InstanceLock(database);
    } catch (error) {
      database?.close();
      if (typeof error === "object" && error !== null && "errcode" in error && error.errcode === SQLITE_BUSY)
        throw new AlreadyLockedError(stateHome);
      throw new LockUnusableError(file, error);
    }
  }

  release(): void {
    this.#database.close();
  }
}
