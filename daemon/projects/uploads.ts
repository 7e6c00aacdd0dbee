/**
 * Files that users send, in `uploads/` of a workspace. A file is there whole or not at all, never in another's place, and
 * never outside: the folder is opened once, as a folder and not through a link, and all that follows goes by that handle.
 */
import { constants } from "node:fs";
import { link, mkdir, open, readdir, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { KartaError } from "../../shared/errors.ts";
import { newId } from "../../shared/ids.ts";
import { hasCode, isAbsent, reason } from "./folder-files.ts";
import { numbered, safeName } from "./upload-name.ts";

const FOLDER = "uploads";
/** What one workspace's folder may hold. Whoever needs more removes some, or has a workspace for each session. */
const MOST_FILES = 500;
const MOST_BYTES = 256 * 1024 * 1024;
const UNFINISHED = ".upload-";
/** An unfinished file this old is a dead kartad's. */
const ABANDONED_MS = 60 * 60 * 1000;

/**
 * @param workspace absolute; the folder that the session's agent works in
 * @param given the user's own name for it; a number is added where the name is taken
 * @returns its path, relative to the workspace
 * @throws KartaError `uploads_full`; `storage_unavailable` when it cannot be written, or `uploads` is no folder
 */
export async function putUpload(workspace: string, given: string, content: Buffer): Promise<string> {
  try {
    const folder = path.join(workspace, FOLDER);
    await mkdir(folder).catch((error: unknown) => {
      if (!hasCode(error) || error.code !== "EEXIST") throw error;
    });
    await using handle = await open(
      folder,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    );
    // By its handle, the folder stays the one that was looked at, whatever takes its name meanwhile.
    const opened = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : folder;
    const names = await requireRoom(opened, content.length);
    return path.posix.join(FOLDER, await write(opened, names, safeName(given), content));
  } catch (error) {
    if (error instanceof KartaError) throw error;
    throw new KartaError("storage_unavailable", `the file could not be put into ${FOLDER}: ${why(error)}`, {
      cause: error,
      retryAfterSeconds: 60,
    });
  }
}

/** @returns the names that are taken @throws KartaError `uploads_full` */
async function requireRoom(folder: string, size: number): Promise<ReadonlySet<string>> {
  const names = new Set(await readdir(folder));
  let bytes = size;
  for (const name of names) {
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => null); // it may have gone, or be a link to nothing
    if (found === null) continue;
    if (name.startsWith(UNFINISHED) && found.mtimeMs < Date.now() - ABANDONED_MS) {
      await unlink(file).catch(() => undefined);
      names.delete(name);
    } else {
      bytes += found.size;
    }
  }
  if (names.size < MOST_FILES && bytes <= MOST_BYTES) return names;
  throw new KartaError(
    "uploads_full",
    `${FOLDER} of this workspace may hold ${MOST_FILES} files and ${MOST_BYTES / 1024 / 1024} MiB; remove some first`,
  );
}

async function write(
  folder: string,
  taken: ReadonlySet<string>,
  name: string,
  content: Buffer,
): Promise<string> {
  const unfinished = path.join(folder, UNFINISHED + newId("proc"));
  try {
    await using file = await open(unfinished, "wx");
    await file.writeFile(content);
    await file.datasync();
    for (let number = 1; ; number += 1) {
      const wanted = numbered(name, number);
      if (!taken.has(wanted) && (await isPlaced(unfinished, path.join(folder, wanted)))) return wanted;
    }
  } finally {
    await unlink(unfinished).catch(() => undefined);
  }
}

/** A second name for the whole file. @returns false where something has that name */
async function isPlaced(unfinished: string, place: string): Promise<boolean> {
  try {
    await link(unfinished, place);
    return true;
  } catch (error) {
    if (hasCode(error) && error.code === "EEXIST") return false;
    throw error;
  }
}

function why(error: unknown): string {
  if (hasCode(error) && error.code === "ELOOP") return "it is a link, and links are not followed";
  return isAbsent(error) ? "it is no folder, or the workspace is gone" : reason(error);
}
