/**
 * The session ids that this server handed out: the only ones it carries messages to. Without this, anyone who can
 * reach the page could drive every session of the operator's Karta. It lives in memory on purpose: after a restart
 * the page is told `unknown_session` and opens a new session by itself.
 */
export class IssuedSessions {
  readonly #ids = new Set<string>();
  readonly #limit: number;

  /** @param limit how many ids to remember; past it the one idle for longest is forgotten */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  add(id: string): void {
    this.#ids.add(id);
    for (const oldest of this.#ids) {
      if (this.#ids.size <= this.#limit) return;
      this.#ids.delete(oldest);
    }
  }

  /** True when the id was handed out here. Using an id keeps it. */
  use(id: string): boolean {
    if (!this.#ids.delete(id)) return false;
    this.#ids.add(id); // A Set keeps insertion order: now it is the newest.
    return true;
  }
}
