/**
 * Whose a folder is. What stands in one that another user owns, or may write, is theirs to swap: a store, a settings file, a
 * socket. Root is trusted: it can do all that anyway.
 */
import { chmodSync, lstatSync, statSync, type Stats } from "node:fs";

/** A folder that somebody else could change what is in. `message` is one line that says what to do. */
export class UnsafeFolderError extends Error {
  override readonly name = "UnsafeFolderError";
}

/** Windows has no such users. */
const user = (): number | null => process.getuid?.() ?? null;

/** True for what belongs to somebody else, who is not root. */
export function isForeign({ uid }: Pick<Stats, "uid">): boolean {
  const own = user();
  return own !== null && uid !== own && uid !== 0;
}

/** @param setting what names the folder @throws UnsafeFolderError for another user's folder, or a link that they laid */
export function requireOwnFolder(folder: string, setting: string): Stats {
  const found = statSync(folder);
  for (const { uid } of [lstatSync(folder), found].filter(isForeign)) {
    throw new UnsafeFolderError(
      `${folder} belongs to another user (${uid}), who could change what is in it; run kartad as that user, or set ${setting} to a folder of your own`,
    );
  }
  return found;
}

/**
 * Closes kartad's own folder to everybody else, whatever its mode is and whatever the umask was when it was made.
 * @returns whether it was open @throws UnsafeFolderError for one that is not ours to close
 */
export function closeOwnFolder(folder: string, setting: string): boolean {
  const { mode, uid } = requireOwnFolder(folder, setting);
  if (user() === null || (mode & 0o077) === 0) return false;
  if (uid !== user())
    throw new UnsafeFolderError(
      `${folder} is root's and open to others; \`chown\` it to the user of kartad, or set ${setting} to a folder of its own`,
    );
  chmodSync(folder, 0o700);
  return true;
}

/**
 * A folder that kartad shares with others: they must not be able to take away what kartad put there.
 * @throws UnsafeFolderError
 */
export function requireLastingFolder(folder: string, setting: string): void {
  const { mode } = requireOwnFolder(folder, setting);
  if (user() === null || (mode & 0o022) === 0 || (mode & 0o1000) !== 0) return;
  throw new UnsafeFolderError(
    `others may write in ${folder} and could put a socket of theirs in kartad's place; \`chmod go-w\` it, or set ${setting} to a folder of its own`,
  );
}
