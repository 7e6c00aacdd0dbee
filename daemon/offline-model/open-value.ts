/** Whether a TOML line ends inside a value that goes on: a long string, or a list or table with its bracket open. */

const LONG_QUOTES = ['"""', "'''"] as const;
const WHOLE_STRING = /"(?:\\.|[^"\\])*"|'[^']*'/y;

export class OpenValue {
  #quote: string | null = null;
  #depth = 0;

  /** True: the next line begins inside a value, so what looks like a key or a header there is none. */
  get open(): boolean {
    return this.#quote !== null || this.#depth > 0;
  }

  /** @param line without its line end */
  read(line: string): void {
    let at = 0;
    while (at < line.length) {
      at = this.#quote === null ? this.#plain(line, at) : this.#inside(line, at, this.#quote);
    }
  }

  #plain(line: string, at: number): number {
    const quote = LONG_QUOTES.find((long) => line.startsWith(long, at));
    if (quote !== undefined) {
      this.#quote = quote;
      return at + quote.length;
    }
    WHOLE_STRING.lastIndex = at;
    const whole = WHOLE_STRING.exec(line);
    if (whole !== null) return at + whole[0].length;
    const character = line.charAt(at);
    if (character === "#") return line.length;
    if (character === "[" || character === "{") this.#depth += 1;
    if (character === "]" || character === "}") this.#depth -= 1;
    return at + 1;
  }

  #inside(line: string, at: number, quote: string): number {
    if (line[at] === "\\" && quote === '"""') return at + 2;
    if (!line.startsWith(quote, at)) return at + 1;
    this.#quote = null;
    // A long string may end in one or two quotes of its own.
    let end = at + quote.length;
    for (let own = 0; own < 2 && line[end] === quote[0]; own += 1) end += 1;
    return end;
  }
}
