/**
 * What a child started and moved to a group or session of its own (a shell's job in the background, a daemon): a signal
 * to the child's group does not reach it, so it is looked for by its mark when the child has ended.
 */
import { endMarked } from "./marks.ts";

/** Owner: `ProcessSpawner`. One look at the machine's processes at a time; what ends meanwhile shares the next. */
export class Escapees {
  #waiting = new Set<string>();
  #sweep: Promise<void> = Promise.resolve();

  /** @param id of a child that has ended. Resolves when nothing that it started is left. Never rejects */
  end(id: string): Promise<void> {
    if (this.#waiting.size === 0) this.#sweep = this.#sweep.then(() => this.#endWaiting());
    this.#waiting.add(id);
    return this.#sweep;
  }

  async #endWaiting(): Promise<void> {
    const ids = this.#waiting;
    this.#waiting = new Set();
    await endMarked(ids);
  }
}
