/** `GET …/events`: a session's events as a stream, page by page, or on a WebSocket (spec: http-api, Events). */
import type { Request, Router } from "express";
import { KartaError } from "../../../shared/errors.ts";
import { sessionRoutes } from "../../../shared/protocol/sessions.ts";
import { invalidField } from "../invalid-field.ts";
import type { LoggedEvent } from "../../events/logged-event.ts";
import type { EventSource } from "../../events/watcher.ts";
import { mount, STREAMED } from "../mount.ts";
import { streamEvents } from "../sse.ts";
import { feedWebSocket } from "../websocket-feed.ts";
import { upgradeOf } from "../websocket.ts";
import type { SessionRouteOptions } from "./sessions.ts";

const DEFAULT_PAGE = 200;

export function mountEvents(router: Router, { sessions, eventsOf, scopeOf }: SessionRouteOptions): void {
  mount(router, sessionRoutes.events, async ({ request, response, params, query }) => {
    const { last_seq } = await sessions.requireSession(scopeOf(request), params.id);
    const source = eventsOf(params.id);
    const withSystem = includesSystem(query);
    const shows = (event: LoggedEvent) => withSystem || event.type !== "system";
    // The header first: a browser that reconnects sends it along with the URL it began with.
    const cursor = lastEventId(request) ?? query.after ?? null;
    const upgrade = upgradeOf(request);

    if (query.follow === "false") {
      if (upgrade !== null) throw invalidField("follow", "expected true: follow=false is answered as JSON");
      const page = await source.page(cursor ?? 0, query.limit ?? DEFAULT_PAGE);
      requireNext(source, page, cursor);
      return {
        data: page.filter(shows).map((event) => event.parse()),
        next_after: page.at(-1)?.seq ?? cursor ?? 0,
      };
    }

    if (cursor !== null) requireNext(source, await source.page(cursor, 1), cursor);
    const after = cursor ?? last_seq;
    if (upgrade === null) {
      streamEvents(response, { source, after, shows, endsAfter: () => false });
    } else {
      const client = upgrade.accept();
      const message = (event: LoggedEvent) => (shows(event) ? event.jsonBytes : null);
      if (client !== null) feedWebSocket(client, { source, after, message });
    }
    return STREAMED;
  });
}

/** @throws KartaError `cursor_expired` when the first event after a cursor is not the next one. Without a cursor any will do */
export function requireNext(source: EventSource, page: readonly LoggedEvent[], cursor: number | null): void {
  const [next] = page;
  if (cursor === null || next === undefined || source.follows(next, cursor)) return;
  throw new KartaError(
    "cursor_expired",
    `events after ${cursor} are no longer kept; the oldest that is: ${next.seq}. Read on with after=${next.seq - 1}, or watch without a cursor`,
    { fields: { oldest_seq: next.seq } },
  );
}

export function includesSystem(query: { readonly include?: string | undefined }): boolean {
  return query.include?.split(",").includes("system") ?? false;
}

/** The header that browsers send when an EventSource reconnects; the route's declaration says what it may be. */
export function lastEventId(request: Request): number | undefined {
  const header = request.headers["last-event-id"];
  if (typeof header !== "string" || header === "") return undefined;
  return Number(header);
}
