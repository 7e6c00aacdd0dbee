/** The file that a backup is written to: whole or not at all, for its owner alone. */
import { createWriteStream, existsSync } from "node:fs";
import { constants, link, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "../../shared/errors.ts";
import { CliError } from "../client/errors.ts";
import { downloadStore } from "../client/store-file.ts";

/**
 * @returns its size in bytes
 * @throws CliError `file_exists` unless `force`, `bad_file`; then the file is as it was. And as `downloadStore`
 */
export async function saveBackup(socket: string, file: string, force: boolean): Promise<number> {
  if (!force && existsSync(file)) throw exists(file); // before kartad copies for nothing
  const part = path.join(path.dirname(file), `.${path.basename(file)}.${crypto.randomUUID()}.part`);
  try {
    const bytes = await download(socket, part);
    if (force) await rename(part, file);
    else await link(part, file); // unlike a rename it overwrites nothing that has come meanwhile
    return bytes;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EEXIST") throw exists(file);
    if (code === null || !/^E[A-Z0-9]+$/.test(code)) throw error;
    const reason = error instanceof Error ? error.message : code;
    throw new CliError("bad_file", `the backup could not be written: ${reason}`, { cause: error });
  } finally {
    await rm(part, { force: true });
  }
}

async function download(socket: string, part: string): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const created = await open(part, flags, 0o600);
  await created.close();
  await downloadStore(socket, createWriteStream(part, { flags: "r+", flush: true }));
  return (await stat(part)).size;
}

function exists(file: string): CliError {
  return new CliError("file_exists", `${file} is there already; --force overwrites it`);
}
