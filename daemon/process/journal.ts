/**
 * Which children were alive: a file a child, made before it is started and removed when nothing of it is left. If kartad
 * and its guard both die (a machine out of memory, a kill of everything by name), the next start finds here what to end.
 *
 * A process is a child of ours when it carries the mark of an id of this journal (marks.ts).
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Id } from "../../shared/ids.ts";
import { isId } from "../../shared/ids.ts";
import { endMarked } from "./marks.ts";

/** Owner: `ProcessSpawner`. */
export class ProcessJournal {
  readonly #folder: string;

  /** @param folder made if it is not there; of this state folder alone */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  add(id: Id<"proc">): void {
    writeFileSync(path.join(this.#folder, id), "", { mode: 0o600 });
  }

  remove(id: Id<"proc">): void {
    rmSync(path.join(this.#folder, id), { force: true });
  }

  /**
   * Ends what a dead kartad left behind. Only on Linux, where /proc shows environments; elsewhere the guard is alone.
   * Call it once, with the instance lock held and before the first child. @returns how many processes were ended
   */
  async endLeftovers(): Promise<number> {
    const ids = new Set(readdirSync(this.#folder).filter((name) => isId("proc", name)));
    const ended = await endMarked(ids);
    for (const id of ids) rmSync(path.join(this.#folder, id), { force: true });
    return ended;
  }
}
