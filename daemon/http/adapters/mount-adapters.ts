/** Puts the adapters under a family of routes. Adding one is a folder and a line here. */
import type { ErrorRequestHandler, Express } from "express";
import type { Logger } from "pino";
import type { FamilyKind } from "../../../shared/protocol/adapters/routes.ts";
import { errorBoundary } from "../error-boundary.ts";
import type { Adapter, AdapterOptions } from "./adapter.ts";
import { anthropic } from "./anthropic/adapter.ts";
import { managedAgents } from "./managed-agents/routes.ts";
import { openAiChat } from "./openai-chat/adapter.ts";
import { responsesAdapter } from "./responses/routes.ts";

const ADAPTERS: readonly Adapter[] = [openAiChat, responsesAdapter, anthropic, managedAgents];

export function mountAdapters(app: Express, base: string, kind: FamilyKind, options: AdapterOptions): void {
  for (const { families, router } of ADAPTERS) if (families.includes(kind)) app.use(base, router(options));
}

/** The families' bases, the longer before the one that it begins with. */
const BASE = /^(?:\/v1\/projects\/[^/]+|\/v1|\/[^/]+\/[^/]+\/v1)(?=\/)/;

/** For the whole app, before its own boundary: what goes wrong on an adapter's paths, in a guard too, has its API's form. */
export function adapterErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const path = request.path.replace(BASE, "");
    const adapter = ADAPTERS.find(({ owns }) => owns(path));
    if (adapter !== undefined) return errorBoundary(logger, adapter.toAnswer)(error, request, response, next);
    next(error);
    return undefined;
  };
}
