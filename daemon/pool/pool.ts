/**
 * Agent processes and who holds them. A new session takes a spare of its lane at once; a session keeps its process while
 * it talks; idle too long, or the least recently used when room is needed, the process goes and the session stays: its
 * next turn starts one on the same thread.
 */
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import type { Thread } from "../harness/harness.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { PoolCounters } from "./counters.ts";
import type { Lane, LaneRequest } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import type { CheckoutRequest, Lease } from "./lease.ts";
import { MemoryLimit, type MemoryLimitOptions } from "./memory-limit.ts";
import { PooledProcess, type Lent } from "./pooled-process.ts";
import { ProcessSet } from "./process-set.ts";
import { findRoom, idleMates } from "./room.ts";
import { SpareKeeper } from "./spare-keeper.ts";
import { WaitQueue } from "./wait-queue.ts";

export interface PoolOptions extends MemoryLimitOptions {
  readonly spawner: ProcessSpawner;
  readonly logger: Logger;
  readonly now: () => number;
  /** Processes at once, over all projects. */
  readonly maxProcesses: number;
  /** How long a turn may wait for a process before it is refused; 30 s when left out. */
  readonly patienceMs?: number;
  /** Turns that may wait for a process; 256 when left out. */
  readonly maxWaiting?: number;
}

const PATIENCE_MS = 30_000;
const MAX_WAITING = 256;

/** Owner: the composition root. `stop()` ends every process. */
export class Pool {
  readonly counters = new PoolCounters();
  readonly #spawner: ProcessSpawner;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #max: number;
  readonly #processes = new ProcessSet();
  readonly #lanes = new Lanes();
  readonly #memory: MemoryLimit;
  readonly #queue: WaitQueue<PooledProcess>;
  readonly #spares: SpareKeeper;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#spawner = options.spawner;
    this.#log = options.logger.child({ part: "pool" });
    this.#now = options.now;
    this.#max = options.maxProcesses;
    this.#memory = new MemoryLimit(options, this.counters, this.#log);
    this.#queue = new WaitQueue({
      limit: options.maxWaiting ?? MAX_WAITING,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      retryAfterSeconds: () => this.counters.expectedWaitSeconds(this.#queue.size, this.#max),
    });
    this.#spares = new SpareKeeper({
      lanes: this.#lanes,
      processes: this.#processes,
      claim: (lane) => (this.#stopped ? null : this.#claim(lane, null)),
      start: (spare, lane) => this.#start(spare, lane, { kind: "new" }),
      onSettled: () => this.#queue.serve(),
      now: this.#now,
      logger: this.#log,
    });
  }

  /** Every process, spares included. */
  get processes(): readonly PooledProcess[] {
    return this.#processes.all;
  }

  get lanes(): readonly Lane[] {
    return this.#lanes.all;
  }

  /** Turns that wait for a process. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * The session's own process, a spare for a new conversation, or a new process on the session's thread.
   * @throws KartaError `pool_saturated`, `harness_unavailable`, `shutting_down`; or as `request.prepare`
   */
  async checkout(request: CheckoutRequest): Promise<Lease> {
    const lane = this.#lanes.use(request, this.#now());
    const held = this.#processes.heldBy(request.sessionId);
    if (held?.state === "bound" && held.lane === lane.key && held.isAlive)
      return this.#lend(held, lane, request, "live");
    // Other launch options (a hand-off), or a process on its way out: never two on one thread.
    if (held) await this.#end(held);

    const spare = request.thread.kind === "new" ? this.#processes.bestSpareOf(lane.key) : undefined;
    if (spare && (await this.#take(spare, request))) {
      this.counters.warmStarts += 1;
      this.#spares.refillSoon(lane);
      return this.#lend(spare, lane, request, "warm");
    }
    await lane.waitUntilOpen(this.#now, request.signal);
    await request.prepare();
    if (this.#stopped || request.signal.aborted) throw givenUp();
    const claim = (): PooledProcess | null => this.#claim(lane, request.sessionId);
    const process = claim() ?? (await this.#queue.wait(request.launch.project, claim, request.signal));
    this.counters.coldStarts += 1;
    await this.#start(process, lane, request.thread, request.signal);
    this.#spares.refillSoon(lane);
    return this.#lend(process, lane, request, "cold");
  }

  /** Gets the session's process ready now, so that its next turn starts warm. Errors as `checkout`. */
  async warm(request: CheckoutRequest): Promise<void> {
    (await this.checkout(request)).release(true);
  }

  /** Keeps spares for a lane, from now on until it was unused for an hour. Returns at once. */
  prepare(request: LaneRequest): void {
    void this.#spares.refill(this.#lanes.use(request, this.#now()));
  }

  /** Ends the session's process, if it has one; the session itself stays. */
  async evict(sessionId: string): Promise<void> {
    const held = this.#processes.heldBy(sessionId);
    if (held) await this.#end(held);
  }

  /** Ends every process of a project and forgets its lanes. */
  async evictProject(project: string): Promise<void> {
    this.#lanes.forgetProject(project);
    await Promise.all(this.#processes.ofProject(project).map((held) => this.#end(held)));
  }

  /**
   * Ends a project's spares and forgets its lanes: its folder changed. They have read the old one, and what failed may
   * be mended.
   */
  async dropSpares(project: string): Promise<void> {
    this.#lanes.forgetProject(project);
    const ofProject = this.#processes.ofProject(project);
    for (const { agent } of ofProject) agent?.retire(); // it has read the old folder too
    await Promise.all(ofProject.filter(({ sessionId }) => sessionId === null).map((held) => this.#end(held)));
  }

  /** Ends every process and lends no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#spares.close();
    this.#lanes.clear();
    this.#queue.close();
    await Promise.all(this.processes.map((held) => this.#end(held)));
  }

  /** Gives a spare to a session, and waits for one that still starts. @returns false when it did not start */
  async #take(spare: PooledProcess, { sessionId, signal }: CheckoutRequest): Promise<boolean> {
    spare.bind(sessionId);
    if (spare.state === "bound") return true;
    const giveUp = (): void => void this.#end(spare);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    await spare.arrival.promise;
    signal.removeEventListener("abort", giveUp);
    return !spare.isOver;
  }

  /** Takes a place for one more process, at once: a free one, or that of a process that is not working. */
  #claim(lane: Lane, sessionId: string | null): PooledProcess | null {
    const { launch, maxOfProject } = lane.request;
    const room = findRoom(this.processes, { project: launch.project, maxOfProject, max: this.#max });
    if (room.kind === "none") return null;
    const old = room.kind === "in_the_way" ? room.process : null;
    if (old !== null && sessionId === null) return null; // a spare takes free room only
    if (old !== null && old.sessionId !== null) this.counters.evictions += 1;
    const pooled = new PooledProcess({
      project: launch.project,
      sessionId,
      lane: lane.key,
      place: old === null ? Promise.resolve() : this.#end(old),
      now: this.#now,
      logger: this.#log,
    });
    this.#processes.add(pooled);
    return pooled;
  }

  /** Starts what was claimed. Then it is `bound`, or `ready` if it is a spare. */
  async #start(pooled: PooledProcess, lane: Lane, thread: Thread, signal?: AbortSignal): Promise<void> {
    const { launch, harness } = lane.request;
    const giveUp = (): void => void this.#end(pooled);
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    try {
      await pooled.place;
      if (pooled.startup.signal.aborted) throw givenUp();
      const starting = harness.start({
        launch,
        thread,
        spawner: this.#spawner,
        signal: pooled.startup.signal,
      });
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
          this.counters.crashed(agent.process);
          if (pooled.state === "ready") lane.died(agent.process, this.#now());
        }
        this.#forget(pooled);
      });
    } catch (error) {
      if (!pooled.isOver) lane.failed(this.#now());
      await this.#end(pooled);
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      pooled.arrival.resolve(undefined);
    }
  }

  #lend(pooled: PooledProcess, lane: Lane, request: CheckoutRequest, lentAs: Lent): Lease {
    const { agent } = pooled;
    if (agent === null || pooled.isOver)
      throw request.signal.aborted || this.#stopped ? givenUp() : endedEarly();
    const since = this.#now();
    pooled.move("busy");
    pooled.lentAs = lentAs;
    let released = false;
    return {
      agent,
      release: (completed) => {
        if (released) return;
        released = true;
        this.counters.turnTook(this.#now() - since);
        if (completed) lane.succeeded();
        else if (!pooled.isAlive) lane.died(agent.process, this.#now());
        if (pooled.state !== "busy") return;
        if (!agent.isOpen || this.#memory.isExceededBy(pooled)) {
          agent.retire();
          for (const held of [pooled, ...idleMates(this.processes, pooled)]) void this.#end(held);
          return;
        }
        pooled.move("bound");
        pooled.idleTimer = setTimeout(() => this.#evictIdle(pooled), request.idleTimeoutMs).unref();
        this.#queue.serve();
      },
    };
  }

  #evictIdle(pooled: PooledProcess): void {
    this.#log.debug(
      { session_id: pooled.sessionId, project: pooled.project },
      "idle for too long; its process goes, the session stays",
    );
    this.counters.evictions += 1;
    void this.#end(pooled);
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
    if (!this.#processes.delete(pooled)) return;
    const lane = this.#lanes.get(pooled.lane);
    // A session with a workspace of its own has a lane of its own, which goes with its process.
    if (lane?.hasNothingToKeep && !this.#processes.hasOfLane(lane.key)) this.#lanes.delete(lane);
    this.#queue.serve();
    this.#spares.refillAll();
  }
}

function endedEarly(): KartaError {
  return new KartaError("harness_unavailable", "the agent ended as soon as it had started");
}

function givenUp(): KartaError {
  return new KartaError("shutting_down", "the session was ended while its agent started");
}
