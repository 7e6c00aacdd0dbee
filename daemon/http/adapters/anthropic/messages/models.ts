/** Projects as Anthropic's models: each by its name, and with each of its agents. */
import type { Router } from "express";
import type { ModelInfo, ModelPage } from "../../../../../shared/protocol/adapters/anthropic/models.ts";
import { anthropicRoutes } from "../../../../../shared/protocol/adapters/anthropic/routes.ts";
import { mount } from "../../../mount.ts";
import type { AdapterOptions, ServedProject } from "../../adapter.ts";
import { findModel, projectsIn } from "../../model.ts";
import { refuse } from "../content.ts";

const DEFAULT_PAGE = 20;

export function mountModels(router: Router, { scopeOf, served }: AdapterOptions): void {
  mount(router, anthropicRoutes.anthropicListModels, ({ request, query }) => {
    const all = projectsIn(scopeOf(request), served).flatMap((project) => [
      modelInfo(project.name, project),
      ...project.agents.map((agent) => modelInfo(`${project.name}@${agent}`, project)),
    ]);
    return Promise.resolve(pageOf(all, query));
  });

  mount(router, anthropicRoutes.anthropicGetModel, ({ request, params }) => {
    const { id, project } = findModel(params.model, scopeOf(request), served);
    return Promise.resolve(modelInfo(id, project));
  });
}

/** What only Anthropic knows of its models is null. */
function modelInfo(id: string, { createdAt }: ServedProject): ModelInfo {
  return {
    id,
    type: "model",
    display_name: id,
    created_at: new Date(createdAt).toISOString(),
    lifecycle: "active",
    capabilities: null,
    deprecated_at: null,
    line: null,
    max_input_tokens: null,
    max_tokens: null,
    retires_at: null,
  };
}

interface PageQuery {
  readonly limit?: number | undefined;
  readonly after_id?: string | undefined;
  readonly before_id?: string | undefined;
}

/** @throws KartaError `invalid_request` for an id that no model has: one that is gone must not begin the list anew */
function pageOf(
  all: readonly ModelInfo[],
  { limit = DEFAULT_PAGE, after_id, before_id }: PageQuery,
): ModelPage {
  const placeOf = (field: string, id: string): number => {
    const place = all.findIndex((model) => model.id === id);
    return place === -1 ? refuse(field, "expected the id of a model that is listed") : place;
  };
  const after = after_id === undefined ? 0 : placeOf("after_id", after_id) + 1;
  const end = before_id === undefined ? all.length : placeOf("before_id", before_id);
  const start = before_id === undefined ? after : Math.max(0, end - limit);
  const data = all.slice(start, Math.min(end, start + limit));
  return {
    data,
    has_more: before_id === undefined ? start + data.length < all.length : start > 0,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
