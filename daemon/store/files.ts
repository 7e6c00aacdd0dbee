/** The store's files in the state folder, and how they are moved so that a crash at any line loses none of them. */
import { existsSync } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rm, unlink } from "node:fs/promises";
import path from "node:path";

/** The database, its write-ahead log and that one's index. */
const PARTS = ["karta.db", "karta.db-wal", "karta.db-shm"] as const;
/** What a copy is called while it is made. One that a crash left is removed by the next start. */
const UNFINISHED = "karta.db.part-";

export function storeFile(stateHome: string): string {
  return path.join(stateHome, "karta.db");
}

/** A backup that was checked and takes the store's place with the next start. */
export function stagedFile(stateHome: string): string {
  return path.join(stateHome, "karta.db.restore");
}

/** A new empty file for the owner alone. */
export async function unfinishedFile(stateHome: string): Promise<string> {
  const file = path.join(stateHome, UNFINISHED + crypto.randomUUID());
  await (await open(file, "wx", 0o600)).close();
  return file;
}

/** Removes a copy and what SQLite laid beside it. */
export async function removeCopy(file: string): Promise<void> {
  for (const ending of ["", "-wal", "-shm", "-journal"]) await rm(file + ending, { force: true });
}

/** Removes what a crash left of copies. Call while no other kartad can be at work. */
export async function removeUnfinished(stateHome: string): Promise<void> {
  for (const name of await readdir(stateHome))
    if (name.startsWith(UNFINISHED)) await rm(path.join(stateHome, name), { force: true });
}

/**
 * Moves the store out of the way, its write-ahead log with it: a store without its log has lost what was committed last.
 * Each file is there twice before it goes, so a crash leaves all of them in one place or in both.
 * @param why part of the folder's name
 * @returns the folder; null: there was no store
 */
export async function setAside(
  stateHome: string,
  why: "damaged" | "before-restore",
  now: Date,
): Promise<string | null> {
  const there = PARTS.filter((name) => existsSync(path.join(stateHome, name)));
  if (there.length === 0) return null;
  const time = now.toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  const folder = path.join(stateHome, "set-aside", `${why}-${time}-${crypto.randomUUID().slice(0, 4)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of there) await duplicate(path.join(stateHome, name), path.join(folder, name));
  await syncFolder(folder);
  for (const name of there) await unlink(path.join(stateHome, name));
  return folder;
}

/** A second name for the same bytes, or a copy of them where the file system has no second names. */
async function duplicate(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to);
    await syncFile(to);
  }
}

export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes names in a folder outlive a power cut, where the file system can. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
