/** The world's plane: the public API as an express app. */
import express, { type Express, type Request } from "express";
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import { newId } from "../../shared/ids.ts";
import { maskShapes } from "../../shared/secret-shapes.ts";
import type { FamilyKind } from "../../shared/protocol/adapters/routes.ts";
import { healthRoutes } from "../../shared/protocol/health.ts";
import { embedRoutes } from "../../shared/protocol/tokens.ts";
import { boundToLogContext, withLogContext } from "../log/context.ts";
import type { EventSource } from "../events/watcher.ts";
import type { Conversations } from "../sessions/conversations.ts";
import type { SessionService } from "../sessions/service.ts";
import type { AdapterOptions, ServedProjects } from "./adapters/adapter.ts";
import { adapterErrors, mountAdapters } from "./adapters/mount-adapters.ts";
import type { Authenticator } from "../keys/authenticator.ts";
import { admission, scopeOf, type PathFamily } from "./access.ts";
import { authentication } from "./authentication.ts";
import { requireRoom } from "./connections.ts";
import { errorBoundary, noSuchRoute } from "./error-boundary.ts";
import { limitUrl, originGuard, refuseAmbiguity, requireLoopbackHost } from "./guards.ts";
import { limitBodies } from "./json-body.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { loggedPath } from "./logged-path.ts";
import { setMask, type Mask } from "./mask.ts";
import { mount } from "./mount.ts";
import { failureRate, limitRate, RequestRate } from "./request-rate.ts";
import { mountMetrics, type MetricsPage } from "./routes/metrics.ts";
import { mountOpenApi } from "./routes/openapi.ts";
import { sessionRouter } from "./routes/sessions.ts";
import { embedRouter, sessionTokenRouter } from "./routes/tokens.ts";

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
  /** Origins whose pages may call every path, e.g. `https://shop.example`. */
  readonly allowedOrigins: readonly string[];
  /** Those that a project adds for its own paths. */
  readonly originsOf: (project: string) => readonly string[];
  readonly authenticator: Authenticator;
  readonly limits?: Limits;
  readonly logger: Logger;
  /** Frees a text of the secrets that kartad knows; left out: of what looks like one. */
  readonly mask?: Mask;
}

/** What both planes are given. */
export type SharedOptions =
  | "sessions"
  | "eventsOf"
  | "projectExists"
  | "served"
  | "conversations"
  | "responses"
  | "sessionOrder"
  | "authenticator"
  | "mask";

/**
 * The one organisation of a daemon without tenants, in `/{org}/{agent}/v1/…`. It stands in the mounted paths itself: any
 * name there would take `/v1/anthropic/v1/…` for the project "anthropic" of an organisation "v1".
 */
const LOCAL_ORG = "local";

/** What both planes share: the session routes and the adapters, under `/v1`, `/v1/projects/:ref` and `/local/:ref/v1`. */
export function mountSessionFamilies(
  app: Express,
  options: Pick<PublicAppOptions, SharedOptions | "logger">,
): void {
  const { projectExists, authenticator, ...rest } = options;
  const mountFamily = (base: string, kind: FamilyKind): void => {
    app.use(base, admission(kind === "flat" ? () => ({ kind }) : projectFamily, projectExists));
    app.use(base, sessionRouter({ ...rest, scopeOf }));
    if (kind === "project") app.use(base, sessionTokenRouter(authenticator));
    mountAdapters(app, base, kind, { ...rest, scopeOf });
  };
  mountFamily("/v1/projects/:ref", "project");
  mountFamily("/v1", "flat");
  mountFamily(`/${LOCAL_ORG}/:ref/v1`, "project");
}

/** No project has an empty name. */
function projectFamily(request: Request): PathFamily {
  return { kind: "project", name: projectOf(request) };
}

function projectOf({ params: { ref } }: Request): string {
  return typeof ref === "string" ? ref : "";
}

/** Which pages may call which paths: the daemon's list everywhere, a project's own list and its embed keys' in that project. */
function guardOrigins(
  app: Express,
  {
    allowedOrigins,
    originsOf,
    authenticator,
  }: Pick<PublicAppOptions, "allowedOrigins" | "originsOf" | "authenticator">,
): void {
  const list = new Set(allowedOrigins.map((origin) => new URL(origin).origin));
  const ofProject = originGuard((origin, request) => {
    const project = projectOf(request);
    return (
      list.has(origin) || originsOf(project).includes(origin) || authenticator.hasEmbedOrigin(origin, project)
    );
  });
  app.use("/v1/projects/:ref", ofProject);
  app.use(`/${LOCAL_ORG}/:ref/v1`, ofProject);
  app.use(
    `/v1${embedRoutes.createEmbedToken.path}`,
    originGuard((origin) => list.has(origin) || authenticator.hasEmbedOrigin(origin, null)),
  );
  app.use(originGuard((origin) => list.has(origin)));
}

/** An express app with what both planes want of one. */
export function baseApp(logger: Logger, mask: Mask = maskShapes): Express {
  const app = express();
  setMask(app, mask);
  app.disable("x-powered-by");
  app.disable("etag"); // answers are live; hashing them buys nothing
  app.set("query parser", "simple");
  app.set("case sensitive routing", true);
  app.use((request, response, next) => {
    const startedAt = performance.now();
    const requestId = newId("req");
    response.setHeader("X-Request-Id", requestId);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-store"); // tokens, what people said: nothing for a cache
    delete request.headers["if-none-match"]; // with `*`, express would answer 304 to any GET
    withLogContext({ request_id: requestId }, () => {
      response.on(
        "close",
        boundToLogContext(() => {
          const ms = Math.round(performance.now() - startedAt);
          const { method } = request;
          logger.debug({ method, path: loggedPath(request), status: response.statusCode, ms }, "request");
        }),
      );
      next();
    });
  });
  app.use(refuseAmbiguity);
  return app;
}

export function publicApp(options: PublicAppOptions): Express {
  const logger = options.logger.child({ part: "http" });
  const { authenticator, limits = DEFAULT_LIMITS } = options;
  const app = baseApp(logger, options.mask);
  limitBodies(app, limits.max_body_bytes);
  app.use(requireRoom);
  if (options.loopbackOnly) app.use(requireLoopbackHost(() => authenticator.isOpen));
  guardOrigins(app, options);
  app.use(limitUrl(limits.max_url_bytes));
  app.use(limitRate(new RequestRate(limits.requests_per_second)));
  const failures = failureRate(limits.failed_credentials_per_second);
  app.use(authentication({ authenticator, failures, logger }));

  const health = () => ({
    status: options.isDraining() ? ("draining" as const) : ("ok" as const),
    version: options.version,
    offline: options.offline,
  });
  mount(app, healthRoutes.healthz, () => Promise.resolve(health()));
  mount(app, healthRoutes.readyz, async () => {
    if (options.isDraining())
      throw new KartaError("shutting_down", "kartad is stopping", { retryAfterSeconds: 5 });
    await options.sessions.requireStore();
    return health();
  });
  mountMetrics(app, options.metrics);
  mountOpenApi(app, options.version);

  app.use("/v1", embedRouter(authenticator, failures));
  mountSessionFamilies(app, options);
  app.use(noSuchRoute);
  app.use(adapterErrors(logger));
  app.use(errorBoundary(logger));
  return app;
}
