/** Keeps one child that holds a project's app: starts it, brings it back, bounds what runs in it. */
import type { Logger } from "pino";
import type { ProcessSpawner } from "../process/spawner.ts";
import { AppCall, type AppCallOptions, type CallKind, type CallOutcome } from "./app-call.ts";
import type { AppCommand } from "./app-command.ts";
import { CallQueue } from "./call-queue.ts";
import { logLines } from "./log-lines.ts";
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
  readonly now: () => number;
}

/** The same bound that the check of the entry point has. */
const LOAD_MS = 20_000;
/** A first failure can be chance; from the second in a row on the next start waits. */
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 60_000;
/** A child that lived this long is no failed start, whatever ended it. */
const PROVEN_MS = 60_000;
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
  /** Takes the calls while `ready`. */
  #current: Worker | null = null;
  /** Children that are being ended. */
  readonly #leaving = new Set<Promise<void>>();
  #failures = 0;
  #startedAt = 0;
  #backoff: NodeJS.Timeout | undefined;

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
    void this.#start();
  }

  get state(): WorkerState {
    return this.#life.state;
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

  /** Takes no more calls; those that run have `graceMs`. Resolves when nothing of it is left. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#life.isOver) {
      this.#life.move("stopping");
      clearTimeout(this.#backoff);
      for (const queue of Object.values(this.#queues)) queue.loseWaiting("it was read anew, or removed");
      if (this.#current !== null) this.#leave(this.#current, graceMs);
      this.#current = null;
    }
    await Promise.all(this.#leaving);
    if (this.#life.state === "stopping") this.#life.move("stopped");
  }

  #serve(kind: CallKind): void {
    const worker = this.#current;
    if (this.#life.state !== "ready" || worker === null) return;
    const queue = this.#queues[kind];
    const onPlaceFree = (): void => this.#serve(kind);
    for (let call = queue.next(onPlaceFree); call !== null; call = queue.next(onPlaceFree)) worker.run(call);
  }

  async #start(): Promise<void> {
    const { command, context, spawner, secrets, now } = this.#options;
    this.#startedAt = now();
    const child = spawner.spawn({ purpose: "app", ...command });
    const worker = new Worker({
      process: child,
      onStuck: (why) => this.#replace(worker, `its code is stuck: ${why}`),
      onWorn: () => this.#renew(worker),
    });
    this.#current = worker;
    logLines(child.stderr, {
      log: (line) => this.#log.info(line),
      dropped: (lines) => this.#log.warn({ lines }, "the app prints too fast; lines were left out"),
      redact: (text) => redactValues(text, secrets),
      now,
    });
    const deadline = setTimeout(() => void worker.end(), LOAD_MS);
    const outcome = await worker.load(context);
    clearTimeout(deadline);
    if (this.#current !== worker) return; // stopped meanwhile
    if (outcome?.outcome !== "loaded") {
      const why = outcome === null ? await worker.lastWords() : JSON.stringify(outcome);
      this.#replace(worker, `it did not load: ${redactValues(why, secrets)}`);
      return;
    }
    this.#life.move("ready");
    void child.exited.then(async () => {
      if (this.#current === worker)
        this.#replace(worker, `it ${redactValues(await worker.lastWords(), secrets)}`);
    });
    for (const kind of ["admit", "event", "tool"] as const) this.#serve(kind);
  }

  /** The child is of no use any more: another one, at once or after a wait. */
  #replace(worker: Worker, why: string): void {
    if (this.#current !== worker || this.#life.isOver) return;
    this.#leave(worker, 0);
    this.#current = null;
    if (this.#options.now() - this.#startedAt > PROVEN_MS) this.#failures = 0;
    this.#failures += 1;
    if (this.#failures === 1) {
      this.#log.warn(`the app's worker is started again: ${why}`);
      this.#life.move("starting");
      void this.#start();
      return;
    }
    const waitMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 2));
    this.#log.error({ failures: this.#failures, retry_in_ms: waitMs }, `the app's worker failed: ${why}`);
    this.#life.move("backing_off");
    for (const queue of Object.values(this.#queues)) queue.loseWaiting(why);
    this.#backoff = setTimeout(() => {
      this.#life.move("starting");
      void this.#start();
    }, waitMs);
  }

  /** The child still answers: what runs in it may finish, and what comes goes to a new one. */
  #renew(worker: Worker): void {
    if (this.#current !== worker || this.#life.isOver) return;
    this.#log.warn("calls of the app go on past their deadlines; its worker is replaced");
    this.#leave(worker, LOAD_MS);
    this.#current = null;
    this.#life.move("starting");
    void this.#start();
  }

  #leave(worker: Worker, graceMs: number): void {
    const leaving = worker.retire(graceMs).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
