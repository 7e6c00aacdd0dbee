/** Reads a project's files: bounded, regular files only, and never through a link that leaves the folder. */
import { constants } from "node:fs";
import { lstat, open, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";

/** No file that Karta itself reads is anywhere near this. */
const MAX_FILE_BYTES = 1024 * 1024;

export type FileText =
  | { readonly kind: "absent" }
  | { readonly kind: "text"; readonly text: string }
  /** It is there and cannot be used; `message` says why. */
  | { readonly kind: "refused"; readonly message: string };

export type Located =
  | { readonly kind: "absent" }
  | { readonly kind: "file" | "folder"; readonly real: string; readonly mode: number }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Follows `name` (relative to `root`, which is absolute with its links resolved) to what it is. A link may lead to
 * another place in the folder, nowhere else. Never throws for what the file system answers.
 */
export async function locate(root: string, name: string): Promise<Located> {
  const given = path.join(root, name);
  try {
    await lstat(given);
  } catch (error) {
    if (isAbsent(error)) return { kind: "absent" };
    return { kind: "refused", message: `cannot be read: ${reason(error)}` };
  }
  try {
    const real = await realpath(given);
    if (!isInside(root, real)) {
      return {
        kind: "refused",
        message: `leads outside the project's folder, to ${real}; copy it into the folder`,
      };
    }
    const found = await stat(real);
    if (found.isDirectory()) return { kind: "folder", real, mode: found.mode };
    if (found.isFile()) return { kind: "file", real, mode: found.mode };
    return { kind: "refused", message: "expected a regular file, found a device, socket or pipe" };
  } catch (error) {
    if (isAbsent(error)) return { kind: "refused", message: "is a link to something that does not exist" };
    return { kind: "refused", message: `cannot be read: ${reason(error)}` };
  }
}

/** The text of a UTF-8 file of at most `MAX_FILE_BYTES`, without a byte order mark. */
export async function readText(root: string, name: string): Promise<FileText> {
  const found = await locate(root, name);
  switch (found.kind) {
    case "absent":
    case "refused":
      return found;
    case "folder":
      return { kind: "refused", message: "expected a file, found a folder" };
    case "file":
      break;
  }
  try {
    // Not following a link and not waiting for a pipe's other end: the file may have been replaced since it was located.
    await using file = await open(
      found.real,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    if (!(await file.stat()).isFile()) return { kind: "refused", message: "expected a regular file" };
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (length > MAX_FILE_BYTES) return { kind: "refused", message: "expected at most 1 MiB, found more" };
    return {
      kind: "text",
      text: new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length)),
    };
  } catch (error) {
    if (hasCode(error) && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
      return { kind: "refused", message: "expected UTF-8 text, found other bytes" };
    }
    return { kind: "refused", message: `cannot be read: ${reason(error)}` };
  }
}

/** The sorted names in a folder of the project; none when it is absent or no folder. */
export async function listFolder(root: string, name: string): Promise<readonly string[]> {
  const found = await locate(root, name);
  if (found.kind !== "folder") return [];
  return readdir(found.real).then(
    (names) => names.sort(),
    () => [],
  );
}

/** True for a path below `root`, or `root` itself. Both absolute, links resolved. */
export function isInside(root: string, candidate: string): boolean {
  return candidate === root || candidate.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

export function isAbsent(error: unknown): boolean {
  return hasCode(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** `permission denied (EACCES)` */
export function reason(error: unknown): string {
  if (!hasCode(error)) return String(error);
  const known: Readonly<Record<string, string>> = {
    EACCES: "permission denied",
    ELOOP: "its links go round in a circle",
    EMFILE: "kartad has too many files open",
    ENAMETOOLONG: "the name is too long",
    ENOENT: "it does not exist",
    ENOSPC: "the disk is full",
    ENOTDIR: "a part of its path is not a folder",
    EPERM: "the system does not permit it",
  };
  return `${known[error.code] ?? "the system refused"} (${error.code})`;
}

export function hasCode(error: unknown): error is { readonly code: string } {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string";
}
