/** Those who wait for a process: bounded, and fair between projects, so that one busy project does not starve another. */
import { KartaError } from "../../shared/errors.ts";

/** Takes what the waiter waits for, at once; null when it is not there (any more). */
type Take<T> = () => T | null;

interface Waiter<T> {
  readonly take: Take<T>;
  readonly give: (taken: T) => void;
  readonly refuse: (error: KartaError) => void;
}

export interface WaitQueueOptions {
  /** Waiters at once. */
  readonly limit: number;
  /** The longest wait. Milliseconds. */
  readonly patienceMs: number;
  /** When trying again makes sense, in whole seconds. */
  readonly retryAfterSeconds: () => number;
}

/** Owner: the pool. A waiter is freed by what it gets, its deadline, its signal or `close`. */
export class WaitQueue<T> {
  readonly #options: WaitQueueOptions;
  /** By project, in the order in which projects take their turns. */
  readonly #waiting = new Map<string, Waiter<T>[]>();
  #size = 0;

  constructor(options: WaitQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Resolves with what `take` took when it was this caller's turn. `take` is called in the same step in which something
   * became free, so that nobody can come in between; while it says null, the caller keeps its place in the line.
   * @throws KartaError `pool_saturated` when too many wait already, or when it took too long; `shutting_down` when the
   *   signal fires
   */
  wait(project: string, take: Take<T>, signal: AbortSignal): Promise<T> {
    if (this.#size >= this.#options.limit) return Promise.reject(this.#saturated());
    if (signal.aborted) return Promise.reject(notWanted());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        this.#remove(project, waiter);
      };
      const waiter: Waiter<T> = {
        take,
        give: (taken) => {
          leave();
          resolve(taken);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const giveUp = (): void => waiter.refuse(notWanted());
      const timer = setTimeout(() => waiter.refuse(this.#saturated()), this.#options.patienceMs);
      signal.addEventListener("abort", giveUp);
      this.#add(project, waiter);
    });
  }

  /** Something became free: those who can use it get it, one project after the other. */
  serve(): void {
    while (this.#serveOne());
  }

  /** Refuses all who wait. */
  close(): void {
    for (const waiters of [...this.#waiting.values()])
      for (const waiter of [...waiters]) waiter.refuse(notWanted());
  }

  /** Of each project the first is asked: what it can't use, those behind it can't either. */
  #serveOne(): boolean {
    for (const [project, [first]] of this.#waiting) {
      const taken = first?.take() ?? null;
      if (first === undefined || taken === null) continue;
      first.give(taken);
      // To the back of the line of projects: the next one's turn comes next.
      const rest = this.#waiting.get(project);
      if (rest) {
        this.#waiting.delete(project);
        this.#waiting.set(project, rest);
      }
      return true;
    }
    return false;
  }

  #add(project: string, waiter: Waiter<T>): void {
    const waiters = this.#waiting.get(project);
    if (waiters) waiters.push(waiter);
    else this.#waiting.set(project, [waiter]);
    this.#size += 1;
  }

  #remove(project: string, waiter: Waiter<T>): void {
    const waiters = this.#waiting.get(project);
    const place = waiters?.indexOf(waiter) ?? -1;
    if (!waiters || place < 0) return;
    waiters.splice(place, 1);
    this.#size -= 1;
    if (waiters.length === 0) this.#waiting.delete(project);
  }

  #saturated(): KartaError {
    return new KartaError(
      "pool_saturated",
      "every agent process is busy; try again, or raise max_processes in kartad.toml or karta.toml",
      { retryAfterSeconds: this.#options.retryAfterSeconds() },
    );
  }
}

function notWanted(): KartaError {
  return new KartaError("shutting_down", "the turn is no longer wanted");
}
