/** The turns on one process that go on: who has to be let finish before it may be ended. */

/** Owner: the connection. */
export class TurnsInHand {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  get count(): number {
    return this.#count;
  }

  began(): void {
    this.#count += 1;
  }

  ended(): void {
    this.#count -= 1;
    if (this.#count === 0) for (const tell of this.#waiting) tell();
  }

  /** Resolves when none goes on, or after `limitMs`. */
  over(limitMs: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve();
      };
      const timer = setTimeout(settle, limitMs);
      this.#waiting.add(settle);
    });
  }
}
