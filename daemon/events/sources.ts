/** What can be watched: one session's events by seq, or every session's by their order in the log. */
import type { EventRepository } from "../store/events.ts";
import type { Feed } from "./feed.ts";
import { LoggedEvent } from "./logged-event.ts";
import type { EventSource } from "./watcher.ts";

export function sessionSource(events: EventRepository, feed: Feed, sessionId: string): EventSource {
  return {
    page: async (cursor, limit) => (await events.page(sessionId, cursor, limit)).map((row) => new LoggedEvent(row)),
    watch: (listener) => feed.watch(sessionId, listener),
    position: (event) => event.seq,
  };
}

export function everySession(events: EventRepository, feed: Feed): EventSource {
  return {
    page: async (cursor, limit) => (await events.pageOfAll(cursor, limit)).map((row) => new LoggedEvent(row)),
    watch: (listener) => feed.watchAll(listener),
    position: (event) => event.id,
  };
}
