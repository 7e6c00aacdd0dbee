/** Sessions of Managed Agents. They outlive their clients: a session ends when it is archived or deleted. */
import type { Router } from "express";
import type {
  CreateManagedSession,
  ListManagedSessionsQuery,
  ManagedSession,
  UpdateManagedSession,
} from "../../../../../shared/protocol/adapters/anthropic/sessions.ts";
import { anthropicRoutes } from "../../../../../shared/protocol/adapters/anthropic/routes.ts";
import type { Metadata } from "../../../../../shared/protocol/metadata.ts";
import { idempotencyOf } from "../../../idempotency-key.ts";
import { mount } from "../../../mount.ts";
import type { AdapterOptions } from "../../adapter.ts";
import { requireTaken } from "../check-parameters.ts";
import { refuse } from "../content.ts";
import { agentIdOf, chooseAgent, chooseEnvironment } from "./agents.ts";
import { CREATE_SESSION, LIST_SESSIONS, UPDATE_SESSION } from "./parameters.ts";
import { listIn, timesIn } from "./query.ts";
import { readEvents } from "./read-events.ts";
import { doAll } from "./send-events.ts";
import { API, API_KEY, sessionView, TITLE_KEY } from "./session-view.ts";

const DEFAULT_PAGE = 20;

export function mountSessions(router: Router, { sessions, scopeOf, served }: AdapterOptions): void {
  mount(router, anthropicRoutes.anthropicCreateSession, async ({ request, body }) => {
    requireTaken(CREATE_SESSION, body);
    const scope = scopeOf(request);
    const { project, agent } = chooseAgent(agentOf(body), scope, served);
    const environment = chooseEnvironment(body.environment_id, scope, served);
    if (environment.name !== project.name)
      refuse(
        "environment_id",
        `expected ${project.name}, the project of the agent ${agentIdOf(project.name, agent)}`,
      );
    const deeds = readEvents(body.initial_events ?? [], () => null, "initial_events");
    const idempotency = idempotencyOf(request, body);
    const made = await sessions.create(
      scope,
      { project: project.name, agent, metadata: metadataOf(body) },
      idempotency,
    );
    try {
      await doAll({ sessions, scope, sessionId: made.id, idempotency }, deeds);
    } catch (error) {
      // Who is refused has made nothing; who may come back with the key finds the session, and its messages are sent then.
      if (idempotency === null) await sessions.delete(scope, made.id).catch(() => undefined);
      throw error;
    }
    return sessionView(deeds.length === 0 ? made : await sessions.get(scope, made.id));
  });

  mount(router, anthropicRoutes.anthropicListSessions, async ({ request, query }) => {
    requireTaken(LIST_SESSIONS, query);
    const shows = filterOf(query);
    const status = query.include_archived === "true" ? null : ("active" as const);
    const page = await sessions.list(
      scopeOf(request),
      { project: null, status, metadata: {} },
      { limit: query.limit ?? DEFAULT_PAGE, cursor: query.page ?? null },
    );
    return { data: page.data.map(sessionView).filter(shows), next_page: page.next_cursor, prev_page: null };
  });

  mount(router, anthropicRoutes.anthropicGetSession, async ({ request, params }) =>
    sessionView(await sessions.get(scopeOf(request), params.id)),
  );

  mount(router, anthropicRoutes.anthropicUpdateSession, async ({ request, params, body }) => {
    requireTaken(UPDATE_SESSION, body);
    return sessionView(await sessions.patch(scopeOf(request), params.id, { metadata: changesIn(body) }));
  });

  mount(router, anthropicRoutes.anthropicDeleteSession, async ({ request, params }) => {
    await sessions.delete(scopeOf(request), params.id);
    return { id: params.id, type: "session_deleted" as const };
  });

  mount(router, anthropicRoutes.anthropicArchiveSession, async ({ request, params }) => {
    const scope = scopeOf(request);
    await sessions.delete(scope, params.id);
    return sessionView(await sessions.get(scope, params.id));
  });
}

function agentOf({ agent }: CreateManagedSession): string {
  return typeof agent === "string" ? agent : agent.id;
}

function metadataOf({ metadata, title }: CreateManagedSession): Metadata {
  return { [API_KEY]: API, ...metadata, ...(typeof title === "string" ? { [TITLE_KEY]: title } : {}) };
}

function changesIn({ metadata, title }: UpdateManagedSession): Metadata {
  return { ...metadata, ...(title === undefined ? {} : { [TITLE_KEY]: title }) };
}

/** What of a page is asked for. @throws KartaError `invalid_request` for a time or status that is none */
function filterOf(query: ListManagedSessionsQuery): (session: ManagedSession) => boolean {
  const statuses = listIn(query, "statuses");
  const isWithin = timesIn(query);
  return ({ agent, status, created_at }) =>
    (query.agent_id === undefined || agent.id === query.agent_id) &&
    (statuses === null || statuses.includes(status)) &&
    isWithin(created_at);
}
