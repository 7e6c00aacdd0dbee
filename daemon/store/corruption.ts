/** Whether a store's file is whole: what SQLite says of its pages. */
import { Worker } from "node:worker_threads";
import { z } from "zod";

/** SQLite's primary codes CORRUPT and NOTADB. */
const DAMAGE: ReadonlySet<number> = new Set([11, 26]);

/** The store cannot be read. It was left as it is. */
export class StoreCorruptError extends Error {
  override readonly name = "StoreCorruptError";
  readonly file: string;

  /** @param problem what SQLite says is wrong */
  constructor(file: string, problem: string) {
    super(
      `${file} is damaged (${problem.trim().replaceAll(/\s*\n\s*/g, ", ")}); it was left as it is: \`karta restore FILE\` puts a backup in its place, ` +
        "`karta doctor --repair` sets it aside and lets kartad begin a new one",
    );
    this.file = file;
  }
}

/** True for what SQLite throws at a page that is not as it should be, and at a file that is no database. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Error && "errcode" in error && DAMAGE.has(Number(error.errcode) & 0xff);
}

/**
 * In a thread, since SQLite reads every page and kartad must not stand still meanwhile. Plain text, so that a bundle of kartad
 * needs no second file.
 */
const CHECK = `
const { parentPort, workerData } = require("node:worker_threads");
const { DatabaseSync } = require("node:sqlite");
const problems = [];
try {
  const database = new DatabaseSync(workerData, { readOnly: true, timeout: 2000 });
  for (const row of database.prepare("PRAGMA integrity_check(5)").all())
    if (row.integrity_check !== "ok") problems.push(row.integrity_check);
  for (const row of database.prepare("PRAGMA foreign_key_check").all().slice(0, 5))
    problems.push("a row of " + row.table + " belongs to nothing in " + row.parent);
  database.close();
} catch (error) {
  problems.push(error.message);
}
parentPort.postMessage(problems);
`;

/** Reads the whole file. @returns what is wrong with it, at most some lines; empty when it is whole */
export async function problemsOf(file: string): Promise<string[]> {
  const worker = new Worker(CHECK, { eval: true, workerData: file });
  const told = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error(`the check of ${file} ended without a word`))); // out of memory, say
  });
  return z.array(z.string()).parse(told);
}
