/**
 * Every child carries two marks in its environment, which what it starts inherits: its own id, and that of the kartad
 * that started it. Both are 124 random bits that only we have written, so a process with such a mark is provably ours;
 * never one by its name, and never by a pid alone, which the system gives out again.
 */
import { readdir, readFile } from "node:fs/promises";

/** The child's own id. */
export const PROCESS_VARIABLE = "KARTA_PROCESS";
/** The kartad that started it: one id a run. */
export const INSTANCE_VARIABLE = "KARTA_INSTANCE";

/** A process may start another between our look and our signal: look again until none is left. */
const PASSES = 5;

/**
 * Ends every process whose child id is one of these, whatever group or session it has moved to.
 * Only on Linux, where /proc shows environments. @returns how many processes were ended
 */
export async function endMarked(ids: ReadonlySet<string>): Promise<number> {
  const ended = new Set<number>(); // one that was killed may still be seen in the next pass, dying
  for (let pass = 0; pass < PASSES && ids.size > 0; pass += 1) {
    const found = await processesOf(ids);
    if (found.length === 0) break;
    for (const pid of found) if (kill(pid)) ended.add(pid);
  }
  return ended.size;
}

async function processesOf(ids: ReadonlySet<string>): Promise<number[]> {
  const found: number[] = [];
  for (const name of await processNames()) if (ids.has(await markOf(name))) found.push(Number(name));
  return found;
}

async function processNames(): Promise<string[]> {
  try {
    return (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  } catch {
    return []; // not Linux
  }
}

/** The child id in a process's environment; empty for another user's, one that is gone, or a zombie. */
async function markOf(pid: string): Promise<string> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1");
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
