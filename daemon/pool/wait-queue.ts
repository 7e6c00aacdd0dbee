/** Those who wait for a process: bounded, and fair between projects, so that one busy project does not starve another. */
import { KartaError } from "../../shared/errors.ts";

interface Waiter {
  readonly wake: () => void;
}

export interface WaitQueueOptions {
  /** Waiters at once. */
  readonly limit: number;
  /** The longest wait. Milliseconds. */
  readonly patienceMs: number;
  /** When trying again makes sense, in whole seconds. */
  readonly retryAfterSeconds: () => number;
}

/** Owner: the pool. A waiter is freed by its wake, its deadline or its signal. */
export class WaitQueue {
  readonly #options: WaitQueueOptions;
  /** By project, in the order in which projects take their turns. */
  readonly #waiting = new Map<string, Waiter[]>();
  #size = 0;

  constructor(options: WaitQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Resolves when it is this caller's turn to look for a process again.
   * @throws KartaError `pool_saturated` when too many wait already, or when it took too long; the signal's reason
   */
  wait(project: string, signal: AbortSignal): Promise<void> {
    if (this.#size >= this.#options.limit) return Promise.reject(this.#saturated());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        this.#remove(project, waiter);
      };
      const giveUp = (): void => {
        leave();
        reject(new KartaError("shutting_down", "the turn is no longer wanted"));
      };
      const timer = setTimeout(() => {
        leave();
        reject(this.#saturated());
      }, this.#options.patienceMs);
      const waiter: Waiter = {
        wake: () => {
          leave();
          resolve();
        },
      };
      signal.addEventListener("abort", giveUp);
      this.#add(project, waiter);
    });
  }

  /** A process became free, or a place for one: the next project's first waiter looks. */
  wakeNext(): void {
    for (const [project, waiters] of this.#waiting) {
      const first = waiters[0];
      if (first === undefined) continue;
      // To the back of the line of projects: the next one's turn comes next.
      this.#waiting.delete(project);
      this.#waiting.set(project, waiters);
      first.wake();
      return;
    }
  }

  #add(project: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(project);
    if (waiters) waiters.push(waiter);
    else this.#waiting.set(project, [waiter]);
    this.#size += 1;
  }

  #remove(project: string, waiter: Waiter): void {
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
