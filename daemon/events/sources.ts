/** What can be watched: one session's events by seq, or events by their order over all sessions. */
import type { EventRepository } from "../store/events.ts";
import type { Feed } from "./feed.ts";
import { LoggedEvent } from "./logged-event.ts";
import type { EventSource } from "./watcher.ts";

export function sessionSource(events: EventRepository, feed: Feed, sessionId: string): EventSource {
  return {
    page: async (cursor, limit) =>
      (await events.page(sessionId, cursor, limit)).map((row) => new LoggedEvent(row)),
    watch: (listener) => feed.watch(sessionId, listener),
    position: (event) => event.seq,
    follows: (event, cursor) => event.seq === cursor + 1, // seq has no holes but those that retention makes
  };
}

/** Events by their order over all sessions, of one session or of all. */
export function orderedSource(events: EventRepository, feed: Feed, sessionId: string | null): EventSource {
  return {
    page: async (cursor, limit) =>
      (await events.pageInOrder(sessionId, cursor, limit)).map((row) => new LoggedEvent(row)),
    watch: (listener) => (sessionId === null ? feed.watchAll(listener) : feed.watch(sessionId, listener)),
    position: (event) => event.id,
    follows: () => true, // ids of one session lie apart, and its oldest may be gone: a tail shows what is kept
  };
}
