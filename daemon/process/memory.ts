/**
 * Resident memory of process groups, as /proc tells it (Linux; elsewhere nothing is known). What several processes of a
 * group share counts once for each of them, so the sum is never too small.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Who belongs to which group is looked up at most this often: it is one small read for every process of the machine. */
const FRESH_MS = 1000;

/** Owner: the composition root. */
export class GroupMemory {
  readonly #now: () => number;
  #lookedAt = -Infinity;
  #members: ReadonlyMap<number, readonly number[]> = new Map();

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Bytes that the group's processes hold now; null when the group is gone or the system does not tell. */
  of(groupId: number): number | null {
    if (this.#now() - this.#lookedAt >= FRESH_MS) {
      this.#members = membersByGroup();
      this.#lookedAt = this.#now();
    }
    const sizes = this.#members.get(groupId)?.flatMap((pid) => residentBytes(pid) ?? []) ?? [];
    return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0);
  }
}

function membersByGroup(): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const name of processNames()) {
    const group = groupOf(name);
    if (group === null) continue;
    const members = groups.get(group);
    if (members) members.push(Number(name));
    else groups.set(group, [Number(name)]);
  }
  return groups;
}

function processNames(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return []; // not Linux
  }
}

function groupOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in brackets may hold anything; the fields after it are: state, parent, group.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ", 3)[2]);
  } catch {
    return null; // gone meanwhile
  }
}

/** Null for one that is gone, and for a zombie, which holds nothing. */
function residentBytes(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
