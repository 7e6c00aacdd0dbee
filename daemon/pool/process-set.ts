/** The pool's processes, and the ways in which it looks for one. Few enough (`max_processes`) to look at each. */
import type { PooledProcess } from "./pooled-process.ts";

export class ProcessSet {
  readonly #all = new Set<PooledProcess>();

  /** Spares included. */
  get all(): readonly PooledProcess[] {
    return [...this.#all];
  }

  add(pooled: PooledProcess): void {
    this.#all.add(pooled);
  }

  /** @returns false when it was not there (any more) */
  delete(pooled: PooledProcess): boolean {
    return this.#all.delete(pooled);
  }

  heldBy(sessionId: string): PooledProcess | undefined {
    return this.all.find((held) => held.sessionId === sessionId);
  }

  ofProject(project: string): PooledProcess[] {
    return this.all.filter((held) => held.project === project);
  }

  /** Spares of a lane that are there or on their way. */
  sparesOf(lane: string): PooledProcess[] {
    return this.all.filter((held) => held.lane === lane && held.sessionId === null && !held.isOver);
  }

  /** The spare that can take a turn soonest: one that is ready, else the one that has been starting for longest. */
  bestSpareOf(lane: string): PooledProcess | undefined {
    const spares = this.sparesOf(lane);
    return (
      spares.find((held) => held.state === "ready" && held.isAlive) ??
      spares.find((held) => held.state === "starting")
    );
  }

  hasOfLane(lane: string): boolean {
    return this.all.some((held) => held.lane === lane);
  }
}
