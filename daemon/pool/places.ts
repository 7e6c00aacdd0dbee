/**
 * The pool's places, each for one agent process: claimed at once, filled by a start that takes seconds, and free again
 * when nothing of the process is left. Who may use the process meanwhile is the pool's to say.
 */
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import type { Thread } from "../harness/harness.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import type { PoolCounters } from "./counters.ts";
import type { Lane } from "./lane.ts";
import { PooledProcess } from "./pooled-process.ts";
import type { ProcessSet } from "./process-set.ts";
import { findRoom } from "./room.ts";

export interface PlacesOptions {
  readonly processes: ProcessSet;
  readonly spawner: ProcessSpawner;
  readonly counters: PoolCounters;
  /** Processes at once, over all projects. */
  readonly max: number;
  /** A process is gone, and its place is free. */
  readonly onFreed: (pooled: PooledProcess) => void;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Owner: the pool, which ends every process. */
export class Places {
  readonly #options: PlacesOptions;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /**
   * Takes a place for one more process, at once: a free one, or that of a process that is not working.
   * @param sessionId null: for a spare, which gets a free one only
   * @returns null when there is none
   */
  claim(lane: Lane, sessionId: string | null): PooledProcess | null {
    const { processes, counters, max, now, logger } = this.#options;
    const { launch, maxOfProject } = lane.request;
    const room = findRoom(processes.all, { project: launch.project, maxOfProject, max });
    if (room.kind === "none") return null;
    const old = room.kind === "in_the_way" ? room.process : null;
    if (old !== null && sessionId === null) return null;
    if (old !== null && old.sessionId !== null) counters.evictions += 1;
    const pooled = new PooledProcess({
      project: launch.project,
      sessionId,
      lane: lane.key,
      place: old === null ? Promise.resolve() : this.end(old),
      now,
      logger,
    });
    processes.add(pooled);
    return pooled;
  }

  /**
   * Starts what was claimed. Then it is `bound`, or `ready` if it is a spare.
   * @throws KartaError `harness_unavailable`, `shutting_down` when it was ended meanwhile; nothing is left of it then
   */
  async start(pooled: PooledProcess, lane: Lane, thread: Thread, signal?: AbortSignal): Promise<void> {
    const { spawner, counters, now } = this.#options;
    const { launch, harness } = lane.request;
    const giveUp = (): void => void this.end(pooled);
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    try {
      await pooled.place;
      if (pooled.startup.signal.aborted) throw givenUp();
      const starting = harness.start({ launch, thread, spawner, signal: pooled.startup.signal });
      pooled.started = starting.then(
        (agent) => void (pooled.agent = agent),
        () => undefined,
      );
      const agent = await starting;
      if (pooled.isOver) throw givenUp(); // whoever ended it stops the agent
      if (agent.process.exit !== null) throw endedEarly();
      pooled.move(pooled.sessionId === null ? "ready" : "bound");
      void agent.process.exited.then(() => {
        if (!pooled.isOver) {
          counters.crashed(agent.process);
          if (pooled.state === "ready") lane.died(agent.process, now());
        }
        this.#free(pooled);
      });
    } catch (error) {
      if (!pooled.isOver) lane.failed(now());
      await this.end(pooled);
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      pooled.arrival.resolve(undefined);
    }
  }

  /** Resolves when nothing of the process is left, whatever it was doing. */
  async end(pooled: PooledProcess): Promise<void> {
    if (!pooled.isOver) pooled.move("stopping");
    pooled.startup.abort();
    await pooled.started;
    await pooled.agent?.stop();
    this.#free(pooled);
  }

  #free(pooled: PooledProcess): void {
    if (pooled.state !== "exited") pooled.move("exited");
    if (this.#options.processes.delete(pooled)) this.#options.onFreed(pooled);
  }
}

/** The agent was there, and is not any more. */
export function endedEarly(): KartaError {
  return new KartaError("harness_unavailable", "the agent ended as soon as it had started");
}

/** Nobody wants the agent any more. */
export function givenUp(): KartaError {
  return new KartaError("shutting_down", "the session was ended while its agent started");
}
