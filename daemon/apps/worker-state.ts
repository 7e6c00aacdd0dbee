/** Where an app's worker is in its life. */
import type { Logger } from "pino";

/**
 * - `starting`: a child imports the app; calls wait for it
 * - `ready`: calls go to the child
 * - `backing_off`: children died, or did not load, one after the other; calls are lost at once until the next one starts
 * - `stopping`: takes no calls; those in the child finish, or are cut at a deadline
 * - `stopped`: nothing of it is left
 */
export type WorkerState = "starting" | "ready" | "backing_off" | "stopping" | "stopped";

const MOVES: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  starting: ["ready", "starting", "backing_off", "stopping"],
  ready: ["starting", "backing_off", "stopping"],
  backing_off: ["starting", "stopping"],
  stopping: ["stopped"],
  stopped: [],
};

/** Owner: an `AppWorker`. */
export class WorkerLife {
  readonly #log: Logger;
  #state: WorkerState = "starting";

  constructor(logger: Logger) {
    this.#log = logger;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** @throws Error on a move that the table above does not have */
  move(to: WorkerState): void {
    if (!MOVES[this.#state].includes(to))
      throw new Error(`an app's worker cannot go from ${this.#state} to ${to}`);
    this.#log.debug({ from: this.#state, to }, "app worker");
    this.#state = to;
  }

  /** It will take no more calls. */
  get isOver(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }
}
