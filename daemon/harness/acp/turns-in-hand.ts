/** The turns on one process that go on: who has to be let finish before it may be ended. */

import type { LogContext } from "../../log/context.ts";

/** Owner: the connection. */
export class TurnsInHand {
  #count = 0;
  readonly #contexts = new Set<LogContext>();
  readonly #waiting = new Set<() => void>();

  get count(): number {
    return this.#count;
  }

  /** Whose work the process does; null where that is nobody's, or that of several. */
  get onlyContext(): LogContext | null {
    return this.#contexts.size === 1 ? ([...this.#contexts][0] ?? null) : null;
  }

  /** @param context to be given again at the turn's end */
  began(context: LogContext): void {
    this.#count += 1;
    this.#contexts.add(context);
  }

  ended(context: LogContext): void {
    this.#count -= 1;
    this.#contexts.delete(context);
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
