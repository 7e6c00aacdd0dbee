/** Karta's managed-agents wire (spec: managed-agents), under `/v1/projects/:ref` and `/local/:ref/v1`. */
import { Router } from "express";
import { END_USER, managedAgentsRoutes } from "../../../../shared/protocol/adapters/managed-agents.ts";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import { ownAnswer } from "../../error-boundary.ts";
import { idempotencyOf } from "../../idempotency-key.ts";
import { mount, STREAMED } from "../../mount.ts";
import { lastEventId, requireNext } from "../../routes/events.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { takeClientEvent } from "./client-events.ts";
import { endUserOf, metadataOf, requireUsers, summaryOf } from "./conversations.ts";
import { writeSnapshot } from "./snapshot.ts";
import { streamConversation } from "./stream.ts";
import { wholeTranscript } from "./transcript.ts";

const DEFAULT_PAGE = 50;
const BASE = "/managed-agents/";

export const managedAgents: Adapter = {
  families: ["project"],
  owns: (path) => path.startsWith(BASE),
  toAnswer: ownAnswer, // it is Karta's own API
  router: managedAgentsRouter,
};

function managedAgentsRouter({ sessions, eventsOf, scopeOf, logger }: AdapterOptions): Router {
  const router = Router({ mergeParams: true });

  mount(router, managedAgentsRoutes.createManagedSession, async ({ request, body }) => {
    const scope = scopeOf(request);
    const made = { metadata: metadataOf(scope, body) };
    const { id } = await sessions.create(scope, made, idempotencyOf(request, body));
    return { id, status: "idle" as const };
  });

  mount(router, managedAgentsRoutes.listManagedSessions, async ({ request, query }) => {
    const scope = scopeOf(request);
    const page = await sessions.list(
      scope,
      { project: null, status: "active", metadata: { [END_USER]: endUserOf(scope, query.end_user) } },
      { limit: query.limit ?? DEFAULT_PAGE, cursor: query.cursor ?? null },
    );
    const data = await Promise.all(page.data.map((session) => summaryOf(session, eventsOf(session.id))));
    return { data, next_cursor: page.next_cursor };
  });

  mount(router, managedAgentsRoutes.getManagedSession, async ({ request, response, params, query }) => {
    const session = await sessions.get(scopeOf(request), params.id);
    await writeSnapshot(response, eventsOf(params.id), session, query.after ?? 0);
    return STREAMED;
  });

  mount(router, managedAgentsRoutes.postManagedEvent, async ({ request, params, body }) => {
    const target = { scope: scopeOf(request), id: params.id };
    await takeClientEvent(sessions, target, body, idempotencyOf(request, body));
    return { accepted: true as const };
  });

  mount(router, managedAgentsRoutes.streamManagedEvents, async ({ request, response, params, query }) => {
    const session = await sessions.get(scopeOf(request), params.id);
    const source = eventsOf(params.id);
    // The header first: a browser that reconnects sends it along with the URL it began with.
    const after = lastEventId(request) ?? query.after ?? 0;
    if (after > 0) requireNext(source, await source.page(after, 1), after);
    await streamConversation(response, { source, after, session, logger });
    return STREAMED;
  });

  mount(router, managedAgentsRoutes.getManagedTranscript, async ({ request, params, query }) => {
    const scope = scopeOf(request);
    const { metadata } = await sessions.get(scope, params.id);
    requireUsers(scope, metadata[END_USER], query.end_user);
    return wholeTranscript((cursor) =>
      sessions.messages(scope, params.id, { limit: LIMITS.pageSize, cursor, thinking: true }),
    );
  });

  mount(router, managedAgentsRoutes.uploadManagedFile, async ({ request, params, body }) => {
    const content = Buffer.from(body.content_base64, "base64");
    return { path: await sessions.putFile(scopeOf(request), params.id, body.name, content) };
  });

  return router;
}
