/** The newest lines, in memory: what can be read of a log that is the journal's. */
import type { LogLine } from "../../shared/protocol/logs.ts";

const MOST_LINES = 2000;
const MOST_CHARACTERS = 1024 * 1024;

/** Owner: the log. */
export class RecentLines {
  readonly #lines: { readonly line: LogLine; readonly size: number }[] = [];
  #characters = 0;

  add(line: LogLine, size: number): void {
    this.#lines.push({ line, size });
    this.#characters += size;
    while (this.#lines.length > MOST_LINES || this.#characters > MOST_CHARACTERS)
      this.#characters -= this.#lines.shift()?.size ?? 0;
  }

  get all(): LogLine[] {
    return this.#lines.map(({ line }) => line);
  }
}
