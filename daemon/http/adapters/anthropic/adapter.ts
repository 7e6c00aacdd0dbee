/**
 * Anthropic's own APIs under `…/anthropic`, which is the base URL of its clients: Messages and models, and Managed Agents.
 * The paths and types are those of `@anthropic-ai/sdk`.
 */
import { Router } from "express";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { requestIdOf } from "../../error-boundary.ts";
import { anthropicAnswer } from "./errors.ts";
import { mountEvents } from "./managed/event-routes.ts";
import { mountReadOnly } from "./managed/read-only-routes.ts";
import { mountSessions } from "./managed/session-routes.ts";
import { mountModels } from "./messages/models.ts";
import { mountMessages } from "./messages/routes.ts";

export const anthropic: Adapter = {
  families: ["flat", "project"],
  owns: (path) => path.startsWith("/anthropic/"),
  toAnswer: anthropicAnswer,
  router: anthropicRouter,
};

function anthropicRouter(options: AdapterOptions): Router {
  const router = Router({ mergeParams: true });
  router.use("/anthropic", (_request, response, next) => {
    response.setHeader("request-id", requestIdOf(response)); // as its clients call it
    next();
  });
  mountMessages(router, options);
  mountModels(router, options);
  mountReadOnly(router, options);
  mountSessions(router, options);
  mountEvents(router, options);
  return router;
}
