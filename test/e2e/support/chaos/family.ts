/** A kartad's processes, as /proc shows them: who must be gone when it is. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** False on macOS: there children are not killed one by one, and nothing is known of what is left. */
export const hasProc = existsSync("/proc/self/environ");

/** A process, told apart from a later one of the same number by when it began. */
export interface Member {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since the machine's start. */
  readonly began: string;
  readonly isZombie: boolean;
  readonly command: string;
}

function read(pid: number): Member | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent] = fields;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return {
      pid,
      parent: Number(parent),
      began: fields[19] ?? "",
      isZombie: state === "Z" || state === "X",
      command,
    };
  } catch {
    return null; // gone meanwhile
  }
}

/** Everything below a process, itself left out; the dead that nobody has waited for too. */
export function familyOf(root: number): Member[] {
  const all = (hasProc ? readdirSync("/proc") : []).flatMap((name) =>
    /^\d+$/.test(name) ? (read(Number(name)) ?? []) : [],
  );
  const found: Member[] = [];
  const parents = new Set([root]);
  for (let before = -1; before < found.length;) {
    before = found.length;
    for (const member of all) {
      if (!parents.has(member.parent) || parents.has(member.pid)) continue;
      parents.add(member.pid);
      found.push(member);
    }
  }
  return found;
}

export function isGuard({ command }: Member): boolean {
  return command.includes("karta-guard");
}

/** Those of them that still run. */
export function stillRunning(members: readonly Member[]): Member[] {
  return members.filter(({ pid, began }) => {
    const now = read(pid);
    return now !== null && now.began === began && !now.isZombie;
  });
}

/** What a process holds open, by kind: `socket`, `pipe`, `anon_inode:[eventpoll]`, a file's path. */
export function descriptorsOf(pid: number): string[] {
  if (!hasProc) return [];
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).replace(/:\[\d+\]$/, "");
    } catch {
      return []; // closed meanwhile
    }
  });
}
