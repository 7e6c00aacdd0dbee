/** The calls of one kind: so many run at once, so many more wait, in the order they came. */
import type { AppCall } from "./app-call.ts";

/** Owner: an app's worker. */
export class CallQueue {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #running = 0;
  #waiting: AppCall[] = [];

  constructor(options: { readonly maxRunning: number; readonly maxWaiting: number }) {
    this.#maxRunning = options.maxRunning;
    this.#maxWaiting = options.maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes a call in, to wait. One too many is lost at once. */
  add(call: AppCall): void {
    if (this.#waiting.length >= this.#maxWaiting) {
      call.settle({ kind: "lost", detail: `${this.#maxWaiting} calls of the app's code wait already` });
      return;
    }
    this.#waiting.push(call);
    call.onGivenUp = () => (this.#waiting = this.#waiting.filter((other) => other !== call));
  }

  /**
   * The next call, if one waits and may run. Its place is free again when it has settled, however: code that goes on after
   * its deadline is the worker's to bound.
   */
  next(onPlaceFree: () => void): AppCall | null {
    if (this.#running >= this.#maxRunning) return null;
    const call = this.#waiting.shift();
    if (call === undefined) return null;
    this.#running += 1;
    void call.outcome.then(() => {
      this.#running -= 1;
      onPlaceFree();
    });
    return call;
  }

  /** Nothing waits for a worker any more. */
  loseWaiting(detail: string): void {
    for (const call of this.#waiting.splice(0)) call.settle({ kind: "lost", detail });
  }
}
