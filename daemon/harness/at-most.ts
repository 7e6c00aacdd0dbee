/** Work of which only so many pieces run at once; the rest waits its turn. */
export class AtMost {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(pieces: number) {
    this.#free = pieces;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
