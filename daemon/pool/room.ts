/** Whether one more process may be started, and who would have to go: for it, or with a process that many share. Pure. */
import type { PooledProcess } from "./pooled-process.ts";

export interface RoomBounds {
  readonly project: string;
  /** Processes at once, of this project. */
  readonly maxOfProject: number;
  /** Processes at once, over all projects. */
  readonly max: number;
}

export type Room =
  | { readonly kind: "free" }
  /** This one is not working and goes first: a spare, else the least recently used. */
  | { readonly kind: "in_the_way"; readonly process: PooledProcess }
  /** Everything that counts is at work. */
  | { readonly kind: "none" };

export function findRoom(processes: readonly PooledProcess[], bounds: RoomBounds): Room {
  const ofProject = processes.filter((held) => held.project === bounds.project);
  const crowd =
    ofProject.length >= bounds.maxOfProject ? ofProject : processes.length >= bounds.max ? processes : null;
  if (crowd === null) return { kind: "free" };
  const first = crowd.filter((held) => held.isIdle).sort(byUse)[0];
  return first ? { kind: "in_the_way", process: first } : { kind: "none" };
}

/** Conversations on the same process that have no turn. */
export function idleMates(processes: readonly PooledProcess[], of: PooledProcess): PooledProcess[] {
  return processes.filter((held) => held !== of && held.isIdle && held.agent?.process === of.agent?.process);
}

/** Spares before sessions' processes, then the least recently used. */
function byUse(a: PooledProcess, b: PooledProcess): number {
  if (a.state !== b.state) return a.state === "ready" ? -1 : 1;
  return a.lastUsedAt - b.lastUsedAt;
}
