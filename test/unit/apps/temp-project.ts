/** A folder with the given files, removed after the test file's last test; and a spawner whose children end with it. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "@jest/globals";
import { pino } from "pino";
import { ProcessSpawner } from "../../../daemon/process/spawner.ts";

const made: string[] = [];

/** Absolute, links resolved. Keys are relative paths. */
export async function folderWith(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), "karta-test-")));
  made.push(root);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return root;
}

export const silent = pino({ level: "silent" });

/** Call once a test file, at its top level. */
export function spawnerForTests(): ProcessSpawner {
  const spawner = new ProcessSpawner({ logger: silent });
  afterAll(async () => {
    await spawner.stopAll(200);
  });
  return spawner;
}

/** Called after each test file. */
export async function removeFolders(): Promise<void> {
  for (const root of made.splice(0)) await rm(root, { recursive: true, force: true });
}
