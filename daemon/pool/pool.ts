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
  /** The turn is no longer wanted: a start that is under way is given up. */
  readonly signal: AbortSignal;
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
    // Looked at again after each: meanwhile somebody else may have taken the room.
    for (let oldest = this.#inTheWay(request); oldest !== null; oldest = this.#inTheWay(request))
      await this.#end(oldest);
    if (this.#stopped || request.signal.aborted) throw givenUp();
    return this.#start(request, lane);
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

  async #start(request: CheckoutRequest, lane: string): Promise<Lease> {
    const pooled = new PooledProcess({
      project: request.launch.project,
      sessionId: request.sessionId,
      lane,
      now: this.#now,
      logger: this.#log,
    });
    this.#bySession.set(request.sessionId, pooled);
    const giveUp = (): void => void this.#end(pooled);
    request.signal.addEventListener("abort", giveUp);
    try {
      const starting = request.harness.start({
        launch: request.launch,
        thread: request.thread,
        spawner: this.#spawner,
        signal: pooled.startup.signal,
      });
      pooled.started = starting.then(
        (agent) => void (pooled.agent = agent),
        () => undefined,
      );
      const agent = await starting;
      if (pooled.isOver) throw givenUp(); // whoever ended it stops the agent
      pooled.move("bound");
      void agent.process.exited.then(() => this.#forget(pooled));
      return this.#lend(pooled, agent, request);
    } catch (error) {
      await this.#end(pooled);
      throw error;
    } finally {
      request.signal.removeEventListener("abort", giveUp);
    }
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

  /**
   * The least recently used idle process where a bound is reached; null where there is room.
   * @throws KartaError `pool_saturated` when none is idle
   */
  #inTheWay(request: CheckoutRequest): PooledProcess | null {
    const ofProject = this.processes.filter((held) => held.project === request.launch.project);
    const crowd = ofProject.length >= request.maxOfProject ? ofProject : this.processes;
    const bound = crowd === ofProject ? request.maxOfProject : this.#max;
    if (crowd.length < bound) return null;
    const oldest = crowd
      .filter((held) => held.state === "bound")
      .reduce<PooledProcess | null>(
        (best, held) => (best && best.lastUsedAt <= held.lastUsedAt ? best : held),
        null,
      );
    if (oldest !== null) return oldest;
    throw new KartaError(
      "pool_saturated",
      `all ${bound} agent processes are busy; try again, or raise max_processes in kartad.toml or karta.toml`,
      { retryAfterSeconds: 5 },
    );
  }

  /** Resolves when nothing of the process is left, whatever it was doing. */
  async #end(pooled: PooledProcess): Promise<void> {
    if (!pooled.isOver) pooled.move("stopping");
    pooled.startup.abort();
    await pooled.started;
    await pooled.agent?.stop();
    this.#forget(pooled);
  }

  #forget(pooled: PooledProcess): void {
    if (pooled.state !== "exited") pooled.move("exited");
    if (this.#bySession.get(pooled.sessionId) === pooled) this.#bySession.delete(pooled.sessionId);
  }
}

function givenUp(): KartaError {
  return new KartaError("shutting_down", "the session was ended while its agent started");
}

/** Keys are in a fixed order: specs are built in one place. */
function laneOf(launch: LaunchSpec): string {
  return JSON.stringify(launch);
}
