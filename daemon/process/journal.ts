/**
 * Which children were alive: a file a child, made before it is started and removed when nothing of it is left. If kartad
 * and its guard both die (a machine out of memory, a kill of everything by name), the next start finds here what to end.
 *
 * A process is provably a child of ours when its environment carries `KARTA_PROCESS=<id>` with an id of this journal: 124
 * random bits that only we have written. Never by name, and never by a pid alone, which the system gives out again.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Id } from "../../shared/ids.ts";
import { isId } from "../../shared/ids.ts";

/** The variable that marks every child, and what it starts. */
export const PROCESS_VARIABLE = "KARTA_PROCESS";

/** A process may start another between our look and our signal: look again until none is left. */
const PASSES = 5;

/** Owner: `ProcessSpawner`. */
export class ProcessJournal {
  readonly #folder: string;

  /** @param folder made if it is not there; of this state folder alone */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  add(id: Id<"proc">): void {
    writeFileSync(path.join(this.#folder, id), "");
  }

  remove(id: Id<"proc">): void {
    rmSync(path.join(this.#folder, id), { force: true });
  }

  /**
   * Ends what a dead kartad left behind. Only on Linux, where /proc shows environments; elsewhere the guard is alone.
   * Call it once, with the instance lock held and before the first child. @returns how many processes were ended
   */
  endLeftovers(): number {
    const ids = new Set(readdirSync(this.#folder).filter((name) => isId("proc", name)));
    const ended = new Set<number>(); // one that was killed may still be seen in the next pass, dying
    for (let pass = 0; pass < PASSES && ids.size > 0; pass += 1) {
      const found = processesOf(ids);
      if (found.length === 0) break;
      for (const pid of found) if (kill(pid)) ended.add(pid);
    }
    for (const id of ids) rmSync(path.join(this.#folder, id), { force: true });
    return ended.size;
  }
}

function processesOf(ids: ReadonlySet<string>): number[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return []; // not Linux
  }
  return names.filter((name) => /^\d+$/.test(name) && ids.has(markOf(name))).map(Number);
}

/** The id in a process's environment; empty for another user's, or one that is gone. */
function markOf(pid: string): string {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
    return (
      environment
        .split("\0")
        .find((entry) => entry.startsWith(`${PROCESS_VARIABLE}=`))
        ?.slice(PROCESS_VARIABLE.length + 1) ?? ""
    );
  } catch {
    return "";
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false; // gone meanwhile
  }
}
