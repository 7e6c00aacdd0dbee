/**
 * The agent's requests for text files, answered inside its folder only. A path is followed to what it really is, links
 * included, before anything is opened; what leads outside is refused.
 */
import { constants } from "node:fs";
import { lstat, mkdir, open, realpath } from "node:fs/promises";
import path from "node:path";
import { RequestError } from "@agentclientprotocol/sdk";
import { systemErrorCode } from "../../../shared/errors.ts";

/** More than any text an agent has use for. */
const MAX_BYTES = 4 * 1024 * 1024;

export class FolderFiles {
  readonly #root: string;

  /** @param root absolute */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Lines `line` (from 1) to `line + limit`, or the whole.
   * @throws RequestError for a path outside the folder, what is no text file, or one that is too big
   */
  async read(file: string, line: number | null, limit: number | null): Promise<string> {
    const real = await this.#inside(file);
    const text = await attempt(file, async () => {
      // Not following a link and not waiting for a pipe's other end: it may have been replaced since it was looked at.
      await using handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const found = await handle.stat();
      if (!found.isFile()) throw refused(file, "is not a regular file");
      if (found.size > MAX_BYTES) throw refused(file, `is larger than ${MAX_BYTES} bytes`);
      return await handle.readFile("utf8");
    });
    if (line === null && limit === null) return text;
    const first = Math.max(0, (line ?? 1) - 1);
    return text
      .split("\n")
      .slice(first, limit === null ? undefined : first + limit)
      .join("\n");
  }

  /** @throws RequestError as `read`, and for content that is too big */
  async write(file: string, content: string): Promise<void> {
    if (Buffer.byteLength(content) > MAX_BYTES)
      throw refused(file, `content is larger than ${MAX_BYTES} bytes`);
    const folder = path.dirname(this.#plain(file));
    await this.#inside(folder); // its nearest part that exists must be inside, before anything is made
    await attempt(file, () => mkdir(folder, { recursive: true }));
    const real = await this.#inside(file);
    await attempt(file, async () => {
      await using handle = await open(
        real,
        constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
        0o666,
      );
      if (!(await handle.stat()).isFile()) throw refused(file, "is not a regular file");
      await handle.truncate(0);
      await handle.writeFile(content);
    });
  }

  #plain(file: string): string {
    if (file.includes("\0")) throw refused("the path", "holds a NUL character");
    return path.resolve(this.#root, file);
  }

  /** Where a path really leads; a part that does not exist yet is as it is written. @throws RequestError for one outside */
  async #inside(file: string): Promise<string> {
    const root = await realpath(this.#root);
    const missing: string[] = [];
    for (let place = this.#plain(file); ; place = path.dirname(place)) {
      const real = await realpath(place).catch((error: unknown) => {
        // A link to nothing is there all the same: what is written through it would land where it points.
        if (systemErrorCode(error) === "ENOENT") return null;
        throw refused(file, "cannot be reached");
      });
      if (real === null) {
        if (await isLink(place)) throw refused(file, "is a link to something that does not exist");
        missing.unshift(path.basename(place));
        continue;
      }
      if (real !== root && !real.startsWith(root.endsWith(path.sep) ? root : root + path.sep))
        throw refused(file, "leads outside the project's folder");
      return path.join(real, ...missing);
    }
  }
}

async function isLink(place: string): Promise<boolean> {
  return lstat(place).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

function refused(file: string, why: string): RequestError {
  return RequestError.invalidParams({ path: file }, `${file} ${why}`);
}

async function attempt<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (systemErrorCode(error) === "ENOENT") throw RequestError.resourceNotFound(file);
    throw refused(file, `cannot be used (${systemErrorCode(error) ?? "unknown"})`);
  }
}
