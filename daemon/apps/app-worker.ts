/** Keeps one child that holds a project's app: starts it, brings it back, bounds what runs in it. */
import type { Logger } from "pino";
import type { GroupMemory } from "../process/memory.ts";
import type { ProcessSpawner } from "../process/spawner.ts";
import { AppCall, type AppCallOptions, type CallKind, type CallOutcome } from "./app-call.ts";
import type { AppCommand } from "./app-command.ts";
import type { AppLimits } from "./app-limits.ts";
import type { AppTally } from "./app-tally.ts";
import { CallQueue } from "./call-queue.ts";
import { logLines } from "../process/log-lines.ts";
import { redactValues } from "./redact-values.ts";
import type { AppContext } from "./worker-protocol.ts";
import { WorkerLife, type WorkerState } from "./worker-state.ts";
import { Worker } from "./worker.ts";

export interface AppWorkerOptions {
  readonly command: AppCommand;
  readonly context: AppContext;
  /** Kept out of the log. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly spawner: Pick<ProcessSpawner, "spawn">;
  /** Of the project: what the app prints goes there. */
  readonly logger: Logger;
  readonly limits: AppLimits;
  readonly tally: AppTally;
  /** What a process group holds, and how much it may; no limit when left out. */
  readonly memory?: Pick<GroupMemory, "of"> | undefined;
  readonly maxProcessBytes?: number | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** Policies hold up a sender, hooks nobody, tools an agent: each kind has places of its own. */
const BOUNDS: Readonly<Record<CallKind, { readonly maxRunning: number; readonly maxWaiting: number }>> = {
  admit: { maxRunning: 32, maxWaiting: 256 },
  event: { maxRunning: 16, maxWaiting: 256 },
  tool: { maxRunning: 32, maxWaiting: 256 },
};

/** Owner: a project's app. Freed by `stop()`. */
export class AppWorker {
  readonly #options: AppWorkerOptions;
  readonly #log: Logger;
  readonly #life: WorkerLife;
  readonly #queues: Readonly<Record<CallKind, CallQueue>>;
  /** Settles when the first child has loaded the app, or has not: within the time of an import. */
  readonly #firstStart = Promise.withResolvers<undefined>();
  /** Takes the calls while `ready`. */
  #current: Worker | null = null;
  /** Children that are being ended. */
  readonly #leaving = new Set<Promise<void>>();
  #failures = 0;
  #startedAt = 0;
  #retryAt: number | null = null;
  #backoff: NodeJS.Timeout | undefined;
  readonly #memoryWatch: NodeJS.Timeout;

  /** Starts the first child. */
  constructor(options: AppWorkerOptions) {
    this.#options = options;
    this.#log = options.logger;
    this.#life = new WorkerLife(options.logger);
    this.#queues = {
      admit: new CallQueue(BOUNDS.admit),
      event: new CallQueue(BOUNDS.event),
      tool: new CallQueue(BOUNDS.tool),
    };
    this.#memoryWatch = setInterval(() => this.#limitMemory(), options.limits.memoryEveryMs).unref();
    void this.#start();
  }

  get state(): WorkerState {
    return this.#life.state;
  }

  /** Settles once calls need not wait for the import any more, whatever came of it. Never rejects. */
  get firstStart(): Promise<undefined> {
    return this.#firstStart.promise;
  }

  /** The child that there is, if any; `startedAt` in milliseconds since the epoch. */
  get process(): {
    readonly pid: number | null;
    readonly startedAt: number;
    readonly overdue: number;
    readonly residentBytes: number | null;
  } | null {
    if (this.#current === null) return null;
    const { process, overdue } = this.#current;
    const { pid } = process;
    const residentBytes = pid === null ? null : (this.#options.memory?.of(pid) ?? null);
    return { pid, overdue, residentBytes, startedAt: this.#startedAt };
  }

  /** When it starts again, by `now`; null unless it backs off. */
  get retryAt(): number | null {
    return this.#retryAt;
  }

  get now(): number {
    return this.#options.now();
  }

  occupancy(kind: CallKind): { readonly running: number; readonly waiting: number } {
    const { running, waiting } = this.#queues[kind];
    return { running, waiting };
  }

  /** Asks the app's code. Settles at the deadline at the latest; never rejects. */
  call(options: AppCallOptions<CallKind>): Promise<CallOutcome<unknown>> {
    const call = new AppCall(options);
    switch (this.#life.state) {
      case "starting":
      case "ready":
        if (!call.isSettled) this.#queues[call.method].add(call);
        this.#serve(call.method);
        break;
      case "backing_off":
        call.settle({ kind: "lost", detail: `it failed ${this.#failures} times in a row` });
        break;
      case "stopping":
      case "stopped":
        call.settle({ kind: "lost", detail: "it was read anew, or removed" });
        break;
    }
    return call.outcome;
  }

  /** Takes no more calls; those that run have the drain's time. Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    if (!this.#life.isOver) {
      this.#life.move("stopping");
      clearTimeout(this.#backoff);
      clearInterval(this.#memoryWatch);
      this.#retryAt = null;
      this.#firstStart.resolve(undefined);
      for (const queue of Object.values(this.#queues)) queue.loseWaiting("it was read anew, or removed");
      if (this.#current !== null) this.#leave(this.#current, this.#options.limits.drainMs);
      this.#current = null;
    }
    await Promise.all(this.#leaving);
    if (this.#life.state === "stopping") this.#life.move("stopped");
  }

  #serve(kind: CallKind): void {
    const worker = this.#current;
    if (this.#life.state !== "ready" || worker === null || worker.isInDoubt) return;
    const queue = this.#queues[kind];
    const onPlaceFree = (): void => this.#serve(kind);
    for (let call = queue.next(onPlaceFree); call !== null; call = queue.next(onPlaceFree)) worker.run(call);
  }

  #serveAll(): void {
    for (const kind of ["admit", "event", "tool"] as const) this.#serve(kind);
  }

  async #start(): Promise<void> {
    const { command, context, spawner, secrets, limits, now } = this.#options;
    this.#startedAt = now();
    const child = spawner.spawn({ purpose: "app", ...command });
    const worker = new Worker({
      process: child,
      limits,
      redact: (text) => redactValues(text, secrets),
      onStuck: (why) => this.#restart(worker, `its code is stuck: ${why}`),
      onHeard: () => this.#serveAll(),
      onBreach: (what) => this.#replace(worker, `it wrote ${what} where Karta reads its answers`),
      onWorn: () => this.#renew(worker, "calls of it go on past their deadlines"),
    });
    this.#current = worker;
    logLines(child.stderr, {
      log: (line) => this.#log.info(line),
      dropped: (lines) => this.#log.warn({ lines }, "the app prints too fast; lines were left out"),
      redact: (text) => redactValues(text, secrets),
      now,
    });
    const deadline = setTimeout(() => void worker.end(), limits.loadMs);
    const outcome = await worker.load(context);
    clearTimeout(deadline);
    if (this.#current !== worker) return; // stopped meanwhile
    if (outcome?.outcome !== "loaded") {
      if (outcome === null) void worker.end(); // it said nothing of use, and may live on
      const why = outcome === null ? await worker.lastWords() : JSON.stringify(outcome);
      this.#replace(worker, `it did not load: ${redactValues(why, secrets)}`);
      return;
    }
    this.#life.move("ready");
    this.#firstStart.resolve(undefined);
    void child.exited.then(async () => {
      if (this.#current === worker)
        this.#replace(worker, `it ${redactValues(await worker.lastWords(), secrets)}`);
    });
    this.#serveAll();
  }

  /** It does not answer. That took a deadline to find out, so there is no need to wait before the next one starts. */
  #restart(worker: Worker, why: string): void {
    if (this.#give(worker, 0)) this.#begin(why);
  }

  /** It died, did not load or is no worker of ours: another one, at once or after a wait. */
  #replace(worker: Worker, why: string): void {
    if (!this.#give(worker, 0)) return;
    const { firstBackoffMs, longestBackoffMs, provenMs } = this.#options.limits;
    if (this.now - this.#startedAt > provenMs) this.#failures = 0;
    this.#failures += 1;
    if (this.#failures === 1) {
      this.#begin(why);
      return;
    }
    const waitMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (this.#failures - 2));
    this.#log.error({ failures: this.#failures, retry_in_ms: waitMs }, `the app's worker failed: ${why}`);
    this.#options.tally.failed(`the worker failed ${this.#failures} times in a row: ${why}`);
    this.#life.move("backing_off");
    for (const queue of Object.values(this.#queues)) queue.loseWaiting(why);
    this.#retryAt = this.now + waitMs;
    this.#backoff = setTimeout(() => {
      this.#retryAt = null;
      this.#options.tally.restarted();
      this.#life.move("starting");
      void this.#start();
    }, waitMs);
  }

  /** The child still answers: what runs in it may finish, and what comes goes to a new one. */
  #renew(worker: Worker, why: string): void {
    if (this.#give(worker, this.#options.limits.drainMs)) this.#begin(why);
  }

  /** Ends the child, unless it is no longer the one. */
  #give(worker: Worker, graceMs: number): boolean {
    if (this.#current !== worker || this.#life.isOver) return false;
    this.#leave(worker, graceMs);
    this.#current = null;
    this.#firstStart.resolve(undefined);
    return true;
  }

  #begin(why: string): void {
    this.#log.warn(`the app's worker is started again: ${why}`);
    this.#options.tally.failed(`the worker was started again: ${why}`);
    this.#options.tally.restarted();
    this.#life.move("starting");
    void this.#start();
  }

  /** One that grew too big soon after its start would do so again: it waits as one that failed. */
  #limitMemory(): void {
    const { memory, maxProcessBytes = Infinity, limits } = this.#options;
    const worker = this.#current;
    const pid = worker?.process.pid ?? null;
    const bytes = pid === null ? null : (memory?.of(pid) ?? null);
    if (worker === null || bytes === null || bytes <= maxProcessBytes) return;
    const why = `it holds ${Math.round(bytes / 1024 ** 2)} MiB, more than max_process_mb`;
    if (this.now - this.#startedAt > limits.provenMs) this.#renew(worker, why);
    else this.#replace(worker, why);
  }

  #leave(worker: Worker, graceMs: number): void {
    const leaving = worker.retire(graceMs).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
