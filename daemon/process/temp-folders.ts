/**
 * Folders for the temporary files of children that leave theirs behind: OpenCode unpacks a library of 5 MB at each start
 * and never removes it, Claude Code leaves the socket of each process that is killed. Each child has one of its own,
 * which goes with it; what a dead kartad left, goes at the next start.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";

/** `sockaddr_un.sun_path` of the BSDs and macOS, less its final NUL. */
const SUN_PATH_BYTES = 103;
/** Room for a child's folder and for the sockets that agents make in theirs (`cc-socks/4194304.sock`, and deeper ones). */
const RESERVED_BYTES = 48;
/** Of an id's random part: 41 bits, among the children that are alive. */
const NAME_LENGTH = 8;

/** Owner: the composition root. */
export class TempFolders {
  readonly #folder: string;
  /** By the child's id. */
  readonly #made = new Map<string, string>();

  /**
   * @param stateHome of this kartad alone
   * @param systemTemp where they go if the other's path is too long for sockets
   */
  constructor(stateHome: string, systemTemp: string) {
    const near = path.join(stateHome, "tmp");
    const name = createHash("sha256").update(stateHome).digest("hex").slice(0, 12);
    this.#folder =
      Buffer.byteLength(near) + RESERVED_BYTES <= SUN_PATH_BYTES
        ? near
        : path.join(systemTemp, `karta-${process.getuid?.() ?? 0}-${name}`);
  }

  /** Null when none can be made (a full disk; a folder of somebody else's in its place): the child has the system's. */
  make(id: string): string | null {
    const folder = path.join(this.#folder, id.slice(-NAME_LENGTH));
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      if (!this.#isOurs()) return null;
      mkdirSync(folder, { mode: 0o700 });
    } catch {
      return null;
    }
    this.#made.set(id, folder);
    return folder;
  }

  /** Harmless for a child that has none. Never rejects: what cannot be removed now goes at the next start. */
  async remove(id: string): Promise<void> {
    const folder = this.#made.get(id);
    if (folder === undefined) return;
    this.#made.delete(id);
    await removeWhole(folder);
  }

  /** Removes what a dead kartad left. Call it with the instance lock held, and before the first child. */
  async clear(): Promise<void> {
    const left = await readdir(this.#folder).catch(() => []);
    if (left.length === 0 || !this.#isOurs()) return;
    await Promise.all(left.map((name) => removeWhole(path.join(this.#folder, name))));
  }

  /** In the system's place anybody may have made it first. */
  #isOurs(): boolean {
    const found = lstatSync(this.#folder);
    return (
      found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o022) === 0
    );
  }
}

async function removeWhole(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
}
