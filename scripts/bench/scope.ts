/** What a measure started, freed in reverse order: when it ends, when it fails, and at Ctrl-C. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

export class Scope {
  readonly #undo: (() => Promise<void> | void)[] = [];

  /** `step` runs once, at the end. */
  onEnd(step: () => Promise<void> | void): void {
    this.#undo.push(step);
  }

  /** A temp folder that goes with the scope. */
  folder(): string {
    const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "karta-b-")));
    this.onEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
    return folder;
  }

  /** Calling it again is harmless. One step's failure does not keep the others from running. */
  async end(): Promise<void> {
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) {
      try {
        await step();
      } catch (error) {
        console.error(`bench: while cleaning up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
