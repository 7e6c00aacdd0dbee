/** Waits until nothing more is told of a conversation: some agents answer first and tell the old words afterwards. */

/** Between two reports of a replay there is next to nothing. */
const QUIET_MS = 100;
/** An agent that goes on by itself is not waited for. */
const LONGEST_MS = 5000;

/** Owner: the connection. */
export class Silence {
  readonly #awaited = new Map<string, NodeJS.Timeout>();

  /** A report came. */
  broken(sessionId: string): void {
    this.#awaited.get(sessionId)?.refresh();
  }

  /** Resolves when there was none for a moment. One at a time for a conversation. */
  of(sessionId: string): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(quiet);
        clearTimeout(limit);
        this.#awaited.delete(sessionId);
        resolve();
      };
      const quiet = setTimeout(settle, QUIET_MS);
      const limit = setTimeout(settle, LONGEST_MS);
      this.#awaited.set(sessionId, quiet);
    });
  }
}
