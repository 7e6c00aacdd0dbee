/** Events of a managed session: sent, listed, and watched. */
import type { Response, Router } from "express";
import type { ManagedEvent } from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import { anthropicRoutes } from "../../../../../shared/protocol/adapters/anthropic/routes.ts";
import type { Session } from "../../../../../shared/protocol/sessions.ts";
import { idempotencyOf } from "../../../idempotency-key.ts";
import { mount, STREAMED } from "../../../mount.ts";
import type { AdapterOptions } from "../../adapter.ts";
import { requestIdOf } from "../../../error-boundary.ts";
import { requireTaken } from "../check-parameters.ts";
import { frameOf } from "../frames.ts";
import { sessionAgent } from "./agents.ts";
import { endIdOf } from "./event-ids.ts";
import { listEvents } from "./list-events.ts";
import { LIST_EVENTS, STREAM_EVENTS } from "./parameters.ts";
import { ManagedProjection, type Awaited } from "./projection.ts";
import { listIn, timesIn } from "./query.ts";
import { readEvents } from "./read-events.ts";
import { doAll } from "./send-events.ts";
import { streamManagedEvents } from "./stream-events.ts";

const DEFAULT_PAGE = 100;
const READ_AT_ONCE = 500;

export function mountEvents(router: Router, options: AdapterOptions): void {
  const { sessions, eventsOf, scopeOf, logger } = options;

  mount(router, anthropicRoutes.anthropicSendEvents, async ({ request, params, body }) => {
    const scope = scopeOf(request);
    const session = await sessions.get(scope, params.id);
    const awaitedAt = await readAwaited(options, session);
    const deeds = readEvents(body.events, awaitedAt);
    const idempotency = idempotencyOf(request, body);
    return { data: await doAll({ sessions, scope, sessionId: params.id, idempotency }, deeds) };
  });

  mount(router, anthropicRoutes.anthropicListEvents, async ({ request, params, query }) => {
    requireTaken(LIST_EVENTS, query);
    const types = listIn(query, "types");
    const isWithin = timesIn(query);
    const session = await sessions.get(scopeOf(request), params.id);
    return listEvents(eventsOf(params.id), projectionOf(session), {
      limit: query.limit ?? DEFAULT_PAGE,
      page: query.page ?? null,
      shows: ({ type, processed_at }) =>
        (types === null || types.includes(type)) && (processed_at === null || isWithin(processed_at)),
    });
  });

  mount(router, anthropicRoutes.anthropicStreamEvents, async ({ request, response, params, query }) => {
    requireTaken(STREAM_EVENTS, query);
    const previews = new Set(listIn(query, "event_deltas") ?? []);
    const session = await sessions.get(scopeOf(request), params.id);
    if (session.status === "archived") {
      endAtOnce(response, session);
      return STREAMED;
    }
    streamManagedEvents(response, {
      source: eventsOf(params.id),
      projection: projectionOf(session),
      from: restBefore(options, session),
      after: session.last_seq,
      previews,
      requestId: requestIdOf(response),
      onFault: (error) =>
        logger.error({ err: error, session_id: params.id }, "an event could not be written for an adapter"),
    });
    return STREAMED;
  });
}

function projectionOf({ id, project }: Session): ManagedProjection {
  return new ManagedProjection({ sessionId: id, agentOf: (agent) => sessionAgent(project.ref, agent) });
}

/** A place before all turns that have not ended: a projection that begins there knows all that it must. */
function restBefore({ sessions }: AdapterOptions, { id, last_seq }: Session): number {
  return (sessions.unfinishedFrom(id) ?? last_seq + 1) - 1;
}

/** What the session waits for now. */
async function readAwaited(
  options: AdapterOptions,
  session: Session,
): Promise<(eventId: string) => Awaited | null> {
  const projection = projectionOf(session);
  const source = options.eventsOf(session.id);
  let cursor = restBefore(options, session);
  while (session.pending_input !== null) {
    const page = await source.page(cursor, READ_AT_ONCE);
    for (const event of page) projection.add(event.parse());
    cursor = page.at(-1)?.seq ?? cursor;
    if (page.length < READ_AT_ONCE) break;
  }
  return (eventId) => projection.awaited(eventId);
}

/** Nothing will happen any more in a session that is archived or deleted. */
function endAtOnce(response: Response, { id, updated_at }: Session): void {
  response
    .status(200)
    .set({ "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache" });
  const terminated: ManagedEvent = {
    id: endIdOf(id),
    type: "session.status_terminated",
    processed_at: updated_at,
  };
  response.end(frameOf(terminated));
}
