/** Agents and environments of Managed Agents: what there is, and nothing to change. */
import type { Router } from "express";
import { anthropicRoutes } from "../../../../../shared/protocol/adapters/anthropic/routes.ts";
import { mount } from "../../../mount.ts";
import type { AdapterOptions } from "../../adapter.ts";
import { refuse } from "../content.ts";
import { projectsIn } from "../../model.ts";
import { agentsIn, agentView, chooseAgent, chooseEnvironment, environmentView } from "./agents.ts";

const DEFAULT_PAGE = 20;

export function mountReadOnly(router: Router, { scopeOf, served }: AdapterOptions): void {
  mount(router, anthropicRoutes.anthropicListAgents, ({ request, query }) =>
    Promise.resolve(pageOf(agentsIn(scopeOf(request), served).map(agentView), query)),
  );

  mount(router, anthropicRoutes.anthropicGetAgent, ({ request, params }) =>
    Promise.resolve(agentView(chooseAgent(params.agent, scopeOf(request), served))),
  );

  mount(router, anthropicRoutes.anthropicListEnvironments, ({ request, query }) =>
    Promise.resolve(pageOf(projectsIn(scopeOf(request), served).map(environmentView), query)),
  );

  mount(router, anthropicRoutes.anthropicGetEnvironment, ({ request, params }) =>
    Promise.resolve(environmentView(chooseEnvironment(params.environment, scopeOf(request), served))),
  );
}

/** A page is named by the id of the one before its first. @throws KartaError `invalid_request` for an id that is gone */
function pageOf<T extends { readonly id: string }>(
  all: readonly T[],
  { limit = DEFAULT_PAGE, page }: { readonly limit?: number | undefined; readonly page?: string | undefined },
): { data: T[]; next_page: string | null } {
  const start = page === undefined ? 0 : all.findIndex(({ id }) => id === page) + 1;
  if (page !== undefined && start === 0) refuse("page", "expected the next_page of an earlier page");
  const data = all.slice(start, start + limit);
  return { data, next_page: start + limit < all.length ? (data.at(-1)?.id ?? null) : null };
}
