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
import { Lane, laneKey, type LaneRequest } from "./lane.ts";
import type { CheckoutRequest, Lease } from "./lease.ts";
import { MemoryLimit, type MemoryLimitOptions } from "./memory-limit.ts";
import { PooledProcess, type Lent } from "./pooled-process.ts";
import { findRoom } from "./room.ts";
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
  readonly #all = new Set<PooledProcess>();
  readonly #lanes = new Map<string, Lane>();
  readonly #memory: MemoryLimit;
  readonly #queue: WaitQueue<PooledProcess>;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#spawner = options.spawner;
    this.#log = options.logger.child({ part: "pool" });
    this.#now = options.now;
    this.#max = options.maxProcesses;
    this.#memory = new MemoryLimit(options, this.#log);
    this.#queue = new WaitQueue({
      limit: options.maxWaiting ?? MAX_WAITING,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      retryAfterSeconds: () => this.counters.expectedWaitSeconds(this.#queue.size, this.#max),
    });
  }

  /** Every process, spares included. */
  get processes(): readonly PooledProcess[] {
    return [...this.#all];
  }

  get lanes(): readonly Lane[] {
    return [...this.#lanes.values()];
  }

  /** Turns that wait for a process. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * The session's own process, a spare for a new conversation, or a new process on the session's thread.
   * @throws KartaError `pool_saturated`, `harness_unavailable`, `shutting_down`
   */
  async checkout(request: CheckoutRequest): Promise<Lease> {
    const lane = this.#laneOf(request);
    const held = this.#heldBy(request.sessionId);
    if (held?.state === "bound" && held.lane === lane.key && held.isAlive)
      return this.#lend(held, lane, request, "live");
    // Other launch options (a hand-off), or a process on its way out: never two on one thread.
    if (held) await this.#end(held);

    const spare = request.thread.kind === "new" ? this.#spareOf(lane.key) : undefined;
    if (spare) {
      spare.bind(request.sessionId);
      this.counters.warmStarts += 1;
      void this.#refill(lane);
      return this.#lend(spare, lane, request, "warm");
    }
    lane.requireOpen(this.#now());
    if (this.#stopped || request.signal.aborted) throw givenUp();
    const claim = (): PooledProcess | null => this.#claim(lane, request.sessionId);
    const process = claim() ?? (await this.#queue.wait(request.launch.project, claim, request.signal));
    this.counters.coldStarts += 1;
    await this.#start(process, lane, request.thread, request.signal);
    void this.#refill(lane);
    return this.#lend(process, lane, request, "cold");
  }

  /** Gets the session's process ready now, so that its next turn starts warm. Errors as `checkout`. */
  async warm(request: CheckoutRequest): Promise<void> {
    (await this.checkout(request)).release(true);
  }

  /** Keeps spares for a lane, from now on until it was unused for an hour. Returns at once. */
  prepare(request: LaneRequest): void {
    void this.#refill(this.#laneOf(request));
  }

  /** Ends the session's process, if it has one; the session itself stays. */
  async evict(sessionId: string): Promise<void> {
    const held = this.#heldBy(sessionId);
    if (held) await this.#end(held);
  }

  /** Ends every process of a project and forgets its lanes. */
  async evictProject(project: string): Promise<void> {
    this.#forgetLanes(project);
    await Promise.all(
      this.processes.filter((held) => held.project === project).map((held) => this.#end(held)),
    );
  }

  /**
   * Ends a project's spares and forgets its lanes: its folder changed. They have read the old one, and what failed may
   * be mended.
   */
  async dropSpares(project: string): Promise<void> {
    this.#forgetLanes(project);
    const spares = this.processes.filter((held) => held.project === project && held.sessionId === null);
    await Promise.all(spares.map((held) => this.#end(held)));
  }

  /** Ends every process and lends no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#lanes.clear();
    this.#queue.close();
    await Promise.all(this.processes.map((held) => this.#end(held)));
  }

  #laneOf(request: LaneRequest): Lane {
    const key = laneKey(request.launch);
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, (lane = new Lane(key, request, this.#now())));
    const { harness, launch, spares, maxOfProject } = request;
    lane.request = { harness, launch, spares, maxOfProject };
    lane.used(this.#now());
    return lane;
  }

  #forgetLanes(project: string): void {
    for (const lane of this.lanes) if (lane.request.launch.project === project) this.#lanes.delete(lane.key);
  }

  #heldBy(sessionId: string): PooledProcess | undefined {
    return this.processes.find((held) => held.sessionId === sessionId);
  }

  #spareOf(lane: string): PooledProcess | undefined {
    return this.processes.find((held) => held.lane === lane && held.state === "ready" && held.isAlive);
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
    this.#all.add(pooled);
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
      if (agent.process.exit !== null)
        throw new KartaError("harness_unavailable", "the agent ended as soon as it had started");
      pooled.move(pooled.sessionId === null ? "ready" : "bound");
      void agent.process.exited.then(() => {
        if (!pooled.isOver) this.counters.crashes += 1;
        this.#forget(pooled);
      });
    } catch (error) {
      if (!pooled.isOver) lane.failed(this.#now());
      await this.#end(pooled);
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  #lend(pooled: PooledProcess, lane: Lane, request: CheckoutRequest, lentAs: Lent): Lease {
    const { agent } = pooled;
    if (agent === null || pooled.isOver) throw givenUp(); // ended in the very moment in which it was ready
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
        else if (!pooled.isAlive) lane.failed(this.#now());
        if (pooled.state !== "busy") return;
        if (this.#memory.isExceededBy(pooled)) {
          this.counters.oversized += 1;
          void this.#end(pooled);
          return;
        }
        pooled.move("bound");
        pooled.idleTimer = setTimeout(() => this.#evictIdle(pooled), request.idleTimeoutMs).unref();
        this.#queue.serve();
      },
    };
  }

  #evictIdle(pooled: PooledProcess): void {
    this.#log.debug({ session: pooled.sessionId }, "idle for too long; its process goes, the session stays");
    this.counters.evictions += 1;
    void this.#end(pooled);
  }

  /** Starts spares until the lane has what it wants, one after the other. They take free room only. */
  async #refill(lane: Lane): Promise<void> {
    if (this.#stopped || this.#lanes.get(lane.key) !== lane) return;
    const spares = this.processes.filter(
      (held) => held.lane === lane.key && held.sessionId === null && !held.isOver,
    );
    if (spares.length >= lane.wantedSpares(this.#now())) return;
    const spare = this.#claim(lane, null);
    if (spare === null) return;
    try {
      await this.#start(spare, lane, { kind: "new" });
    } catch (error) {
      const { project } = lane.request.launch;
      this.#log.warn({ err: error, project, failures: lane.failures }, "a spare did not start");
      return;
    }
    this.#queue.serve();
    await this.#refill(lane);
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
    if (!this.#all.delete(pooled)) return;
    const lane = this.#lanes.get(pooled.lane);
    // A session with a workspace of its own has a lane of its own, which goes with its process.
    if (lane?.hasNothingToKeep && !this.processes.some((held) => held.lane === lane.key))
      this.#lanes.delete(lane.key);
    this.#queue.serve();
  }
}

function givenUp(): KartaError {
  return new KartaError("shutting_down", "the session was ended while its agent started");
}
