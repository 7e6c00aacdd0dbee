/**
 * Ends of turns that the store did not take (a full disk). They are kept in their order and tried again until they are in
 * the log: each turn has its one terminal event as soon as there is room, and none of its session begins before that.
 */
import type { Append, EventLog } from "../events/log.ts";

/** Between two tries while nobody sends. One end is tried, and the others after it. */
const RETRY_MS = 1000;

interface Unstored {
  readonly append: Append;
  readonly onStored: () => void;
}

/**
 * Owner: the session service. Bounded by the turns that were accepted before the store failed: none is accepted in a
 * session that has one of these. What `close` finds is left to the next start (recovery.ts).
 */
export class UnstoredEnds {
  readonly #log: EventLog;
  /** By session; none is empty. */
  readonly #kept = new Map<string, Unstored[]>();
  readonly #storing = new Map<string, Promise<boolean>>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /**
   * Stores a turn's end, or keeps it: then `onStored` is called when it is stored after all. Never rejects.
   * @returns whether it is stored already
   */
  async add(append: Append, onStored: () => void): Promise<boolean> {
    const { sessionId } = append;
    if (!this.#kept.has(sessionId)) {
      try {
        await this.#log.append(append);
        return true;
      } catch {
        // The log has said why.
      }
    }
    const kept = this.#kept.get(sessionId);
    if (kept === undefined) this.#kept.set(sessionId, [{ append, onStored }]);
    else kept.push({ append, onStored });
    this.#retryLater();
    return false;
  }

  /** Tries to store what is kept of a session. @returns whether nothing of it is left. Never rejects */
  store(sessionId: string): Promise<boolean> {
    if (!this.#kept.has(sessionId)) return Promise.resolve(true);
    let storing = this.#storing.get(sessionId);
    if (storing === undefined) {
      storing = this.#store(sessionId).finally(() => this.#storing.delete(sessionId));
      this.#storing.set(sessionId, storing);
    }
    return storing;
  }

  /** Tries once more, and gives up what cannot be stored now. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#storeAll();
  }

  async #store(sessionId: string): Promise<boolean> {
    for (;;) {
      const first = this.#kept.get(sessionId)?.[0];
      if (first === undefined) return true;
      try {
        await this.#log.append(first.append);
      } catch {
        return false;
      }
      const [, ...rest] = this.#kept.get(sessionId) ?? [];
      if (rest.length > 0) this.#kept.set(sessionId, rest);
      else this.#kept.delete(sessionId);
      first.onStored();
    }
  }

  /** Ends with the first that cannot be stored: the others could not either. */
  async #storeAll(): Promise<void> {
    for (const sessionId of [...this.#kept.keys()]) if (!(await this.store(sessionId))) return;
  }

  #retryLater(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      void this.#storeAll().then(() => {
        this.#timer = null;
        if (this.#kept.size > 0) this.#retryLater();
      });
    }, RETRY_MS).unref();
  }
}
