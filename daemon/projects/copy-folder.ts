/** A private copy of a project's folder, whole or not there at all. */
import { constants } from "node:fs";
import { cp, lstat, mkdir, readdir, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { newId } from "../../shared/ids.ts";
import { isInside } from "./folder-files.ts";

const UNFINISHED = ".unfinished-";

/**
 * Copies `root` (absolute, links resolved) to `destination`, which must not exist. The copy is made beside it and moved
 * into place, so a crash leaves no half of one. Links within the folder lead to the same place in the copy.
 * @returns what was left out: links that leave the folder, and sockets, pipes and devices. Relative paths.
 * @throws the file system's error (no space, no permission)
 */
export async function copyFolder(root: string, destination: string): Promise<readonly string[]> {
  const parent = path.dirname(destination);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await removeUnfinished(destination);
  const unfinished = `${destination}${UNFINISHED}${newId("proc")}`;
  const links: string[] = [];
  const leftOut: string[] = [];
  try {
    await cp(root, unfinished, {
      recursive: true,
      preserveTimestamps: true, // git and build tools compare them
      mode: constants.COPYFILE_FICLONE, // copy on write, where the file system can
      errorOnExist: true,
      force: false,
      filter: async (source) => {
        const kind = await kindOf(source);
        if (kind === "link") links.push(path.relative(root, source));
        else if (kind === "special") leftOut.push(path.relative(root, source));
        return kind === "file" || kind === "folder";
      },
    });
    // Not left to `cp`, which would make every link lead into the original folder.
    for (const link of links) {
      const target = await targetInCopy(root, link);
      if (target === null) leftOut.push(link);
      else await symlink(target, path.join(unfinished, link));
    }
    await rename(unfinished, destination);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  return leftOut.sort();
}

/** What an earlier run of kartad left behind when it was ended in the middle. */
async function removeUnfinished(destination: string): Promise<void> {
  const parent = path.dirname(destination);
  for (const name of await readdir(parent)) {
    if (name.startsWith(path.basename(destination) + UNFINISHED)) {
      await rm(path.join(parent, name), { recursive: true, force: true });
    }
  }
}

async function kindOf(source: string): Promise<"file" | "folder" | "link" | "special"> {
  const found = await lstat(source);
  if (found.isSymbolicLink()) return "link";
  if (found.isDirectory()) return "folder";
  return found.isFile() ? "file" : "special";
}

/** Relative to the link's folder; null when it leads out of the project (also by way of other links). */
async function targetInCopy(root: string, link: string): Promise<string | null> {
  const folder = path.dirname(path.join(root, link));
  const target = path.resolve(folder, await readlink(path.join(root, link)));
  // A link to nothing stays one: what it names may be made later. It must lie in the folder all the same.
  const real = await realpath(target).catch(() => target);
  if (!isInside(root, real) || !isInside(root, target)) return null;
  return path.relative(folder, target) || ".";
}
