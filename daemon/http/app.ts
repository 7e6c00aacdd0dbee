/** The world's plane: the public API as an express app. */
import express, { type Express, type Request } from "express";
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import { newId } from "../../shared/ids.ts";
import type { FamilyKind } from "../../shared/protocol/adapters/routes.ts";
import { healthRoutes } from "../../shared/protocol/health.ts";
import type { EventSource } from "../events/watcher.ts";
import type { Conversations } from "../sessions/conversations.ts";
import type { Scope } from "../sessions/scope.ts";
import type { SessionService } from "../sessions/service.ts";
import type { AdapterOptions, ServedProjects } from "./adapters/adapter.ts";
import { adapterErrors, mountAdapters } from "./adapters/mount-adapters.ts";
import { requireRoom } from "./connections.ts";
import { errorBoundary, noSuchRoute } from "./error-boundary.ts";
import { limitUrl, originGuard, requireLoopbackHost } from "./guards.ts";
import { limitBodies } from "./json-body.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { mount } from "./mount.ts";
import { limitRate, RequestRate } from "./request-rate.ts";
import { mountMetrics, type MetricsPage } from "./routes/metrics.ts";
import { mountOpenApi } from "./routes/openapi.ts";
import { sessionRouter } from "./routes/sessions.ts";

export interface PublicAppOptions {
  readonly sessions: SessionService;
  readonly eventsOf: (sessionId: string) => EventSource;
  readonly projectExists: (name: string) => boolean;
  /** The projects as models of other APIs. */
  readonly served: ServedProjects;
  readonly conversations: Conversations;
  readonly responses: AdapterOptions["responses"];
  readonly sessionOrder: AdapterOptions["sessionOrder"];
  readonly metrics: MetricsPage;
  readonly isDraining: () => boolean;
  readonly version: string;
  readonly offline: boolean;
  /** False: bound to an address other than loopback, where the Host can be any name. */
  readonly loopbackOnly: boolean;
  readonly allowedOrigins: readonly string[];
  readonly limits?: Limits;
  readonly logger: Logger;
}

/** What both planes are given. */
export type SharedOptions =
  "sessions" | "eventsOf" | "projectExists" | "served" | "conversations" | "responses" | "sessionOrder";

/** The one organisation of a daemon without tenants, in `/{org}/{agent}/v1/…`. */
const LOCAL_ORG = "local";

/** What both planes share: the session routes and the adapters, under `/v1`, `/v1/projects/:ref` and `/local/:ref/v1`. */
export function mountSessionFamilies(
  app: Express,
  options: Pick<PublicAppOptions, SharedOptions | "logger">,
): void {
  const { projectExists, ...rest } = options;
  const projectScope = (request: Request): Scope => {
    const { ref, org } = request.params;
    if (typeof ref !== "string" || !projectExists(ref) || (org !== undefined && org !== LOCAL_ORG)) {
      throw new KartaError("not_found", "no such project");
    }
    return { kind: "project", name: ref };
  };
  const mountFamily = (base: string, scopeOf: (request: Request) => Scope, kind: FamilyKind): void => {
    app.use(base, sessionRouter({ ...rest, scopeOf }));
    mountAdapters(app, base, kind, { ...rest, scopeOf });
  };
  mountFamily("/v1/projects/:ref", projectScope, "project");
  mountFamily("/v1", () => ({ kind: "all" }), "flat");
  mountFamily("/:org/:ref/v1", projectScope, "project");
}

/** An express app with what both planes want of one. */
export function baseApp(logger: Logger): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // answers are live; hashing them buys nothing
  app.set("query parser", "simple");
  app.set("case sensitive routing", true);
  app.use((request, response, next) => {
    const startedAt = performance.now();
    const requestId = newId("req");
    response.setHeader("X-Request-Id", requestId);
    response.setHeader("X-Content-Type-Options", "nosniff");
    delete request.headers["if-none-match"]; // with `*`, express would answer 304 to any GET
    response.on("close", () => {
      logger.debug(
        {
          request: requestId,
          method: request.method,
          path: request.path,
          status: response.statusCode,
          ms: Math.round(performance.now() - startedAt),
        },
        "request",
      );
    });
    next();
  });
  return app;
}

export function publicApp(options: PublicAppOptions): Express {
  const logger = options.logger.child({ part: "http" });
  const limits = options.limits ?? DEFAULT_LIMITS;
  const app = baseApp(logger);
  limitBodies(app, limits.max_body_bytes);
  app.use(requireRoom);
  if (options.loopbackOnly) app.use(requireLoopbackHost);
  app.use(originGuard(options.allowedOrigins));
  app.use(limitUrl(limits.max_url_bytes));
  app.use(limitRate(new RequestRate(limits.requests_per_second)));

  const health = () => ({
    status: options.isDraining() ? ("draining" as const) : ("ok" as const),
    version: options.version,
    offline: options.offline,
  });
  mount(app, healthRoutes.healthz, () => Promise.resolve(health()));
  mount(app, healthRoutes.readyz, () => {
    if (options.isDraining())
      throw new KartaError("shutting_down", "kartad is stopping", { retryAfterSeconds: 5 });
    return Promise.resolve(health());
  });
  mountMetrics(app, options.metrics);
  mountOpenApi(app, options.version);

  mountSessionFamilies(app, options);
  app.use(noSuchRoute);
  app.use(adapterErrors(logger));
  app.use(errorBoundary(logger));
  return app;
}
