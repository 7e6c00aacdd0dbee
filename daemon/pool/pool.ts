/**
 * Agent processes and who holds them. A new session takes a spare of its lane at once; a session keeps its process while
 * it talks; idle too long, or the least recently used when room is needed, the process goes and the session stays: its
 * next turn starts one on the same thread.
 */
import type { Logger } from "pino";
import type { ProcessSpawner } from "../process/spawner.ts";
import { PoolCounters } from "./counters.ts";
import type { Lane, LaneRequest } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import type { CheckoutRequest, Lease } from "./lease.ts";
import { MemoryLimit, type MemoryLimitOptions } from "./memory-limit.ts";
import { endedEarly, givenUp, Places } from "./places.ts";
import type { Lent, PooledProcess } from "./pooled-process.ts";
import { ProcessSet } from "./process-set.ts";
import { idleMates } from "./room.ts";
import { SpareKeeper } from "./spare-keeper.ts";
import { WaitQueue } from "./wait-queue.ts";

export interface PoolOptions extends MemoryLimitOptions {
  readonly spawner: ProcessSpawner;
  readonly logger: Logger;
  /** Milliseconds of a clock that only goes forward: back-offs and waits must not be hours when it is set. */
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
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #max: number;
  readonly #processes = new ProcessSet();
  readonly #places: Places;
  readonly #lanes = new Lanes();
  readonly #memory: MemoryLimit;
  readonly #queue: WaitQueue<PooledProcess>;
  readonly #spares: SpareKeeper;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#log = options.logger.child({ part: "pool" });
    this.#now = options.now;
    this.#max = options.maxProcesses;
    this.#places = new Places({
      processes: this.#processes,
      spawner: options.spawner,
      counters: this.counters,
      max: this.#max,
      onFreed: (pooled) => this.#freed(pooled),
      now: this.#now,
      logger: this.#log,
    });
    this.#memory = new MemoryLimit(options, this.counters, this.#log);
    this.#queue = new WaitQueue({
      limit: options.maxWaiting ?? MAX_WAITING,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      retryAfterSeconds: () => this.counters.expectedWaitSeconds(this.#queue.size, this.#max),
    });
    this.#spares = new SpareKeeper({
      lanes: this.#lanes,
      processes: this.#processes,
      claim: (lane) => (this.#stopped ? null : this.#places.claim(lane, null)),
      start: (spare, lane) => this.#places.start(spare, lane, { kind: "new" }),
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
    if (held) await this.#places.end(held);

    const spare = request.thread.kind === "new" ? this.#processes.bestSpareOf(lane.key) : undefined;
    if (spare && (await this.#take(spare, request))) {
      this.counters.warmStarts += 1;
      this.#spares.refillSoon(lane);
      return this.#lend(spare, lane, request, "warm");
    }
    await lane.waitUntilOpen(this.#now, request.signal);
    await request.prepare();
    if (this.#stopped || request.signal.aborted) throw givenUp();
    const claim = (): PooledProcess | null => this.#places.claim(lane, request.sessionId);
    const process = claim() ?? (await this.#queue.wait(request.launch.project, claim, request.signal));
    this.counters.coldStarts += 1;
    await this.#places.start(process, lane, request.thread, request.signal);
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
    if (held) await this.#places.end(held);
  }

  /** Ends every process of a project and forgets its lanes. */
  async evictProject(project: string): Promise<void> {
    this.#lanes.forgetProject(project);
    await Promise.all(this.#processes.ofProject(project).map((held) => this.#places.end(held)));
  }

  /**
   * Ends a project's spares and forgets its lanes: its folder changed. They have read the old one, and what failed may
   * be mended.
   */
  async dropSpares(project: string): Promise<void> {
    this.#lanes.forgetProject(project);
    const ofProject = this.#processes.ofProject(project);
    for (const { agent } of ofProject) agent?.retire(); // it has read the old folder too
    await Promise.all(
      ofProject.filter(({ sessionId }) => sessionId === null).map((held) => this.#places.end(held)),
    );
  }

  /** Ends every process and lends no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#spares.close();
    this.#lanes.clear();
    this.#queue.close();
    await Promise.all(this.processes.map((held) => this.#places.end(held)));
  }

  /** Gives a spare to a session, and waits for one that still starts. @returns false when it did not start */
  async #take(spare: PooledProcess, { sessionId, signal }: CheckoutRequest): Promise<boolean> {
    spare.bind(sessionId);
    if (spare.state === "bound") return true;
    const giveUp = (): void => void this.#places.end(spare);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    await spare.arrival.promise;
    signal.removeEventListener("abort", giveUp);
    return !spare.isOver;
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
          for (const held of [pooled, ...idleMates(this.processes, pooled)]) void this.#places.end(held);
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
    void this.#places.end(pooled);
  }

  #freed(pooled: PooledProcess): void {
    const lane = this.#lanes.get(pooled.lane);
    // A session with a workspace of its own has a lane of its own, which goes with its process.
    if (lane?.hasNothingToKeep && !this.#processes.hasOfLane(lane.key)) this.#lanes.delete(lane);
    this.#queue.serve();
    this.#spares.refillAll();
  }
}
