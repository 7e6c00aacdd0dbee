/** The session family: flat under /v1, and the same under a project (spec: http-api). */
import { Router, type Request } from "express";
import { isTerminal } from "../../../shared/events.ts";
import { sessionRoutes, TURN_HEADER } from "../../../shared/protocol/sessions.ts";
import { invalidField } from "../invalid-field.ts";
import type { EventSource } from "../../events/watcher.ts";
import type { Scope } from "../../sessions/scope.ts";
import type { SessionService } from "../../sessions/service.ts";
import type { Turn } from "../../sessions/turn.ts";
import { mount, STREAMED } from "../mount.ts";
import { idempotencyOf } from "../idempotency-key.ts";
import {
  END_NOT_STORED,
  endedAnswer,
  isShownOnTurn,
  requireKept,
  turnContinuation,
  unaryAnswer,
} from "../turn-answer.ts";
import { streamEvents, type EventStream } from "../sse.ts";
import { includesSystem, mountEvents } from "./events.ts";

export interface SessionRouteOptions {
  readonly sessions: SessionService;
  /** One session's events, to watch or to page through. */
  readonly eventsOf: (sessionId: string) => EventSource;
  /** Which sessions a request may reach. @throws KartaError `not_found` for a project that is not there */
  readonly scopeOf: (request: Request) => Scope;
}

const DEFAULT_PAGE = 50;

export function sessionRouter(options: SessionRouteOptions): Router {
  const { sessions, eventsOf, scopeOf } = options;
  const router = Router({ mergeParams: true });

  mount(router, sessionRoutes.createSession, ({ request, body }) =>
    sessions.create(scopeOf(request), body, idempotencyOf(request, body)),
  );

  mount(router, sessionRoutes.listSessions, ({ request, query }) =>
    sessions.list(
      scopeOf(request),
      { project: query.project ?? null, status: query.status ?? "active", metadata: metadataOf(query) },
      { limit: query.limit ?? DEFAULT_PAGE, cursor: query.cursor ?? null },
    ),
  );

  mount(router, sessionRoutes.getSession, ({ request, params }) => sessions.get(scopeOf(request), params.id));

  mount(router, sessionRoutes.deleteSession, async ({ request, params }) => {
    await sessions.delete(scopeOf(request), params.id);
    return undefined;
  });

  mount(router, sessionRoutes.patchSession, ({ request, params, body }) =>
    sessions.patch(scopeOf(request), params.id, body),
  );

  mount(router, sessionRoutes.addParticipant, ({ request, params, body }) =>
    sessions.addParticipant(scopeOf(request), params.id, body),
  );

  mount(router, sessionRoutes.listMessages, ({ request, params, query }) =>
    sessions.messages(scopeOf(request), params.id, {
      limit: query.limit ?? DEFAULT_PAGE,
      cursor: query.cursor ?? null,
      thinking: query.thinking === "true",
    }),
  );

  mount(router, sessionRoutes.cancelTurn, async ({ request, params, body }) => ({
    turn_id: await sessions.cancel(scopeOf(request), params.id, body.turn_id ?? null),
  }));

  mount(router, sessionRoutes.warmSession, async ({ request, params }) => {
    await sessions.warm(scopeOf(request), params.id);
    return undefined;
  });

  mount(router, sessionRoutes.sendMessage, async ({ request, response, params, query, body }) => {
    const accepted = await sessions.send(scopeOf(request), params.id, body, idempotencyOf(request, body));
    const source = eventsOf(params.id);
    const { id, acceptedSeq } = accepted.kind === "live" ? accepted.turn : accepted;
    if (body.stream !== true) {
      return accepted.kind === "live"
        ? unaryAnswer(params.id, accepted.turn)
        : endedAnswer(source, params.id, accepted);
    }
    if (accepted.kind === "ended") requireKept(accepted);
    const withSystem = includesSystem(query);
    response.setHeader(TURN_HEADER, id);
    const stream = streamEvents(response, {
      source,
      after: acceptedSeq,
      shows: (event) =>
        isShownOnTurn(event, id) || (withSystem && event.turnId === id && event.type === "system"),
      endsAfter: (event) => event.turnId === id && isTerminal(event),
    });
    if (accepted.kind === "live") failWithoutEnd(stream, accepted.turn);
    return STREAMED;
  });

  mount(router, sessionRoutes.resolveInput, async ({ request, response, params, body }) => {
    const { stream, ...answer } = body;
    const scope = scopeOf(request);
    const { turn, resolvedSeq } = await sessions.resolveInput(scope, params.id, params.request_id, answer);
    const source = eventsOf(params.id);
    if (stream !== true) {
      const events = await turnContinuation(source, turn, resolvedSeq);
      return { session: await sessions.get(scope, params.id), events };
    }
    const rest = streamEvents(response, {
      source,
      after: resolvedSeq,
      shows: (event) => isShownOnTurn(event, turn.id),
      endsAfter: (event) =>
        event.turnId === turn.id && (isTerminal(event) || event.type === "input_required"),
    });
    failWithoutEnd(rest, turn);
    return STREAMED;
  });

  mountEvents(router, options);
  return router;
}

/** The log shows a turn's end, but for one that could not be stored: the stream would wait for it. */
function failWithoutEnd(stream: EventStream, turn: Turn): void {
  void turn.outcome.then(() => {
    if (turn.isEndStored) return;
    stream.fail("storage_unavailable", END_NOT_STORED);
  });
}

/** `metadata.KEY=VALUE` in a query. @throws KartaError `invalid_request` for a key that comes twice */
function metadataOf(query: Readonly<Record<string, unknown>>): Record<string, string> {
  const named = Object.entries(query).filter(([name]) => name.startsWith("metadata."));
  const found = named.map(([name, value]): [string, string] => {
    if (typeof value === "string") return [name.slice("metadata.".length), value];
    throw invalidField(name, "expected one value");
  });
  return Object.fromEntries(found); // keeps a key like __proto__
}
