/** Fan-out of stored events to whoever watches. It holds no events: a watcher that falls behind reads the log. */
import type { LoggedEvent } from "./logged-event.ts";

/** Gets events in log order, at once after they are stored. Must not block or throw. */
export type FeedListener = (events: readonly LoggedEvent[]) => void;

/** Owner: the composition root. A listener is freed by the function `watch` returned. */
export class Feed {
  readonly #bySession = new Map<string, Set<FeedListener>>();
  readonly #ofAll = new Set<FeedListener>();

  /** Watches one session. Call the returned function to stop. */
  watch(sessionId: string, listener: FeedListener): () => void {
    let listeners = this.#bySession.get(sessionId);
    if (!listeners) this.#bySession.set(sessionId, (listeners = new Set()));
    const set = listeners.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.#bySession.get(sessionId) === set) this.#bySession.delete(sessionId);
    };
  }

  /** Watches every session. Call the returned function to stop. */
  watchAll(listener: FeedListener): () => void {
    this.#ofAll.add(listener);
    return () => this.#ofAll.delete(listener);
  }

  /** How many listeners there are. */
  get size(): number {
    let count = this.#ofAll.size;
    for (const listeners of this.#bySession.values()) count += listeners.size;
    return count;
  }

  /** Called by the log alone, after a group is stored; `events` are in log order, several sessions mixed. */
  publish(events: readonly LoggedEvent[]): void {
    if (events.length === 0) return;
    for (const listener of this.#ofAll) listener(events);
    if (this.#bySession.size === 0) return;
    const bySession = new Map<string, LoggedEvent[]>();
    for (const event of events) {
      if (!this.#bySession.has(event.sessionId)) continue;
      const own = bySession.get(event.sessionId);
      if (own) own.push(event);
      else bySession.set(event.sessionId, [event]);
    }
    for (const [sessionId, own] of bySession) {
      for (const listener of this.#bySession.get(sessionId) ?? []) listener(own);
    }
  }
}
