/** Copies of the store, made while it is in use, and their way back in. */
import { createWriteStream, existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { DatabaseSync, backup } from "node:sqlite";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KartaError, systemErrorCode } from "../../shared/errors.ts";
import type { Restored } from "../../shared/protocol/control.ts";
import { problemsOf } from "./corruption.ts";
import {
  removeCopy,
  removeUnfinished,
  setAside,
  stagedFile,
  storeFile,
  syncFile,
  syncFolder,
  unfinishedFile,
} from "./files.ts";
import { MIGRATIONS, TRIGGERS } from "./migrations.ts";
import { migrateFile } from "./store.ts";

/** A number of pages that no store has. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies the store as it is at one moment, in a thread of its own: turns go on and store their events meanwhile.
 * @returns a file in the state folder that the caller removes
 * @throws KartaError `storage_unavailable` for a disk that is full, and for a store that is damaged
 */
export async function copyStore(stateHome: string): Promise<string> {
  const copy = await unfinishedFile(stateHome);
  try {
    // Its own connection and all pages in one step: writes of the main one would make it begin again, for ever when busy.
    const source = new DatabaseSync(storeFile(stateHome), { readOnly: true, timeout: 2000 });
    try {
      await backup(source, copy, { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    const target = new DatabaseSync(copy);
    try {
      target.exec("PRAGMA journal_mode = DELETE"); // one file that can be read anywhere
    } finally {
      target.close();
    }
    const [problem] = await problemsOf(copy);
    if (problem !== undefined) throw unusable(`the store is damaged: ${problem}; see \`karta doctor\``);
    return copy;
  } catch (error) {
    await removeCopy(copy);
    throw error instanceof KartaError ? error : unusable(reasonOf(error), error);
  }
}

/**
 * Takes a backup in, checks it and brings its schema up to date; the store itself is not touched. It takes the store's place
 * with the next start (`applyStaged`).
 * @throws KartaError `invalid_backup`, `storage_unavailable`; then nothing has changed
 */
export async function stageRestore(stateHome: string, source: Readable): Promise<Restored> {
  const copy = await unfinishedFile(stateHome);
  try {
    await pipeline(source, createWriteStream(copy, { flags: "r+" }));
    const before = await readBackup(copy);
    await migrateFile(copy);
    await syncFile(copy);
    await rename(copy, stagedFile(stateHome));
    await syncFolder(stateHome);
    return { ...before, migrated: Object.keys(MIGRATIONS).length - before.migrations };
  } catch (error) {
    await removeCopy(copy);
    if (error instanceof KartaError || systemErrorCode(error) === null) throw error;
    throw unusable(reasonOf(error), error);
  }
}

/**
 * Puts a staged backup in the store's place. Call before the store is opened, holding the instance lock.
 * @returns where the old store is kept; null: nothing was staged, or there was no store
 */
export async function applyStaged(stateHome: string, now: Date): Promise<string | null> {
  await removeUnfinished(stateHome);
  const staged = stagedFile(stateHome);
  if (!existsSync(staged)) return null;
  const kept = await setAside(stateHome, "before-restore", now);
  await rename(staged, storeFile(stateHome));
  await syncFolder(stateHome);
  return kept;
}

type BackupContents = Pick<Restored, "projects" | "sessions" | "events"> & { readonly migrations: number };

/** @throws KartaError `invalid_backup` for what is no whole store of this kartad or an older one */
async function readBackup(file: string): Promise<BackupContents> {
  const [problem] = await problemsOf(file);
  if (problem !== undefined) throw invalid(`it is damaged, or no store: ${problem}`);
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const strange = database
      .prepare("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
      .all()
      .find(({ name, sql }) => TRIGGERS[String(name)] !== sql);
    if (strange !== undefined)
      throw invalid(`it has a trigger or a view that is none of Karta's: ${String(strange.name)}`);
    const made = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'").get();
    const names = made
      ? database
          .prepare("SELECT name FROM kysely_migration")
          .all()
          .map(({ name }) => String(name))
      : [];
    const known = Object.keys(MIGRATIONS);
    const [first = ""] = known;
    if (!names.includes(first)) throw invalid("it is a database, but not one of Karta's");
    const newer = names.find((name) => !(name in MIGRATIONS));
    if (newer !== undefined)
      throw invalid(`a newer kartad made it (it has "${newer}"); upgrade Karta, then restore it`);
    const missing = known.slice(0, names.length).find((name) => !names.includes(name));
    if (missing !== undefined)
      throw invalid(`no kartad made it so: it lacks "${missing}" and has what came after it`);
    const rowsOf = (table: string) =>
      Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count ?? 0);
    return {
      projects: rowsOf("projects"),
      sessions: rowsOf("sessions"),
      events: rowsOf("events"),
      migrations: names.length,
    };
  } finally {
    database.close();
  }
}

function invalid(reason: string): KartaError {
  return new KartaError(
    "invalid_backup",
    `this backup cannot be restored: ${reason}; the store is as it was`,
  );
}

function unusable(reason: string, cause?: unknown): KartaError {
  return new KartaError("storage_unavailable", reason, { cause });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
