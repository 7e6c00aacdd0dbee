/** A turn's time limit. It stands still while people are asked: an approval has a deadline of its own. */
export class TurnClock {
  readonly #onLimit: () => void;
  #leftMs: number;
  #timer: NodeJS.Timeout | null = null;
  #since = 0;
  /** Questions that wait for an answer. */
  #waiting = 0;
  #stopped = false;

  /** Starts at once. */
  constructor(limitMs: number, onLimit: () => void) {
    this.#leftMs = limitMs;
    this.#onLimit = onLimit;
    this.#go();
  }

  /** Stands still until `answer` settles. */
  async standStillFor<T>(answer: Promise<T>): Promise<T> {
    this.#waiting += 1;
    this.#halt();
    try {
      return await answer;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#go();
    }
  }

  /** The turn is over. */
  stop(): void {
    this.#stopped = true;
    this.#halt();
  }

  #go(): void {
    if (this.#stopped) return;
    this.#since = performance.now();
    this.#timer = setTimeout(this.#onLimit, this.#leftMs);
  }

  #halt(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#since));
  }
}
