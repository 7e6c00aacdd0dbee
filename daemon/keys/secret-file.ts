/** A small file of secrets in the state folder: the owner's alone, and always whole. */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { z } from "zod";

/** The file cannot be used; it is left as it is. */
export class SecretFileError extends Error {
  override readonly name = "SecretFileError";
}

/** What the file holds; null when there is none. @throws SecretFileError for a file that is not as we write it */
export function readSecretFile<S extends z.ZodType>(file: string, schema: S): z.output<S> | null {
  removeDrafts(file);
  if (!existsSync(file)) return null;
  chmodSync(path.dirname(file), 0o700);
  chmodSync(file, 0o600);
  try {
    return schema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    // Neither the parser's words nor the schema's: they would show the secret.
    throw new SecretFileError(
      `${file} is not as kartad writes it; restore it from a backup, or remove it: then the session tokens and identity secrets that were made with it are void`,
    );
  }
}

/** Writes all of it, or nothing: a crash at any instant leaves the old file or the new one. */
export function writeSecretFile(file: string, value: unknown): void {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const descriptor = openSync(draft, "wx", 0o600);
    try {
      writeFileSync(descriptor, JSON.stringify(value)); // all of it: one write may stop at a full disk's last bytes
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
    syncFolder(folder);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** What a crash left of writing it: secrets that nobody would ever remove. The instance lock is held: nobody writes one now. */
function removeDrafts(file: string): void {
  const folder = path.dirname(file);
  if (!existsSync(folder)) return;
  const beginning = `${path.basename(file)}.`;
  for (const name of readdirSync(folder))
    if (name.startsWith(beginning)) rmSync(path.join(folder, name), { force: true });
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
