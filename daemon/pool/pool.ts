/**
 * Agent processes and who holds them. A session keeps its process while it talks; idle too long, or the least recently
 * used when room is needed, the process goes and the session stays: its next turn starts one on the same thread.
 */
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import type { AgentProcess, Harness, LaunchSpec, Thread } from "../harness/harness.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { PooledProcess } from "./pooled-process.ts";

export interface PoolOptions {
  readonly spawner: ProcessSpawner;
  readonly logger: Logger;
  readonly now: () => number;
  /** Processes at once, over all projects. */
  readonly maxProcesses: number;
}

export interface CheckoutRequest {
  readonly sessionId: string;
  readonly harness: Harness;
  readonly launch: LaunchSpec;
  readonly thread: Thread;
  readonly idleTimeoutMs: number;
  /** Processes at once, of this project. */
  readonly maxOfProject: number;
}

/** A session's hold on a process for one turn. `release` it once, whatever happened. */
export interface Lease {
  readonly agent: AgentProcess;
  release(): void;
}

/** Owner: the composition root. `stop()` ends every process. */
export class Pool {
  readonly #spawner: ProcessSpawner;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #max: number;
  readonly #bySession = new Map<string, PooledProcess>();
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#spawner = options.spawner;
    this.#log = options.logger.child({ part: "pool" });
    this.#now = options.now;
    this.#max = options.maxProcesses;
  }

  get processes(): readonly PooledProcess[] {
    return [...this.#bySession.values()];
  }

  /**
   * The session's own process, or a new one that resumes its thread.
   * @throws KartaError `pool_saturated`, `harness_unavailable`, `shutting_down`
   */
  async checkout(request: CheckoutRequest): Promise<Lease> {
    const lane = laneOf(request.launch);
    const held = this.#bySession.get(request.sessionId);
    if (
      held?.state === "bound" &&
      held.lane === lane &&
      held.agent !== null &&
      held.agent.process.exit === null
    ) {
      return this.#lend(held, held.agent, request);
    }
    // Other launch options (a hand-off), or a process on its way out: never two on one thread.
    if (held) await this.#end(held);
    if (this.#stopped) throw new KartaError("shutting_down", "kartad is stopping");
    await this.#makeRoom(request);

    const pooled = new PooledProcess({
      project: request.launch.project,
      sessionId: request.sessionId,
      lane,
      now: this.#now,
      logger: this.#log,
    });
    this.#bySession.set(request.sessionId, pooled);
    try {
      const agent = await request.harness.start({
        launch: request.launch,
        thread: request.thread,
        spawner: this.#spawner,
      });
      pooled.agent = agent;
      if (pooled.isOver) {
        // Evicted while it started: whoever did is waiting in #end.
        await agent.stop();
        throw new KartaError("shutting_down", "the session was ended while its agent started");
      }
      pooled.move("bound");
      void agent.process.exited.then(() => this.#forget(pooled));
      return this.#lend(pooled, agent, request);
    } catch (error) {
      this.#forget(pooled);
      throw error;
    }
  }

  /** Ends the session's process, if it has one; the session itself stays. */
  async evict(sessionId: string): Promise<void> {
    const held = this.#bySession.get(sessionId);
    if (held) await this.#end(held);
  }

  /** Ends every process of a project. */
  async evictProject(project: string): Promise<void> {
    await Promise.all(
      this.processes.filter((held) => held.project === project).map((held) => this.#end(held)),
    );
  }

  /** Ends every process and lends no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.processes.map((held) => this.#end(held)));
  }

  #lend(pooled: PooledProcess, agent: AgentProcess, request: CheckoutRequest): Lease {
    pooled.move("busy");
    let released = false;
    return {
      agent,
      release: () => {
        if (released) return;
        released = true;
        if (pooled.state !== "busy") return;
        pooled.move("bound");
        pooled.idleTimer = setTimeout(() => {
          this.#log.debug(
            { session: pooled.sessionId },
            "idle for too long; its process goes, the session stays",
          );
          void this.#end(pooled);
        }, request.idleTimeoutMs);
        pooled.idleTimer.unref();
      },
    };
  }

  /** Ends the least recently used idle process where a bound is reached. */
  async #makeRoom(request: CheckoutRequest): Promise<void> {
    const ofProject = this.processes.filter((held) => held.project === request.launch.project);
    const crowd = ofProject.length >= request.maxOfProject ? ofProject : this.processes;
    const bound = crowd === ofProject ? request.maxOfProject : this.#max;
    if (crowd.length < bound) return;
    const oldest = crowd
      .filter((held) => held.state === "bound")
      .reduce<PooledProcess | null>(
        (best, held) => (best && best.lastUsedAt <= held.lastUsedAt ? best : held),
        null,
      );
    if (oldest === null) {
      throw new KartaError(
        "pool_saturated",
        `all ${bound} agent processes are busy; try again, or raise max_processes in kartad.toml or karta.toml`,
        { retryAfterSeconds: 5 },
      );
    }
    await this.#end(oldest);
  }

  async #end(pooled: PooledProcess): Promise<void> {
    if (!pooled.isOver) pooled.move("stopping");
    await pooled.agent?.stop();
    this.#forget(pooled);
  }

  #forget(pooled: PooledProcess): void {
    if (pooled.state !== "exited") pooled.move("exited");
    if (this.#bySession.get(pooled.sessionId) === pooled) this.#bySession.delete(pooled.sessionId);
  }
}

/** Keys are in a fixed order: specs are built in one place. */
function laneOf(launch: LaunchSpec): string {
  return JSON.stringify(launch);
}
