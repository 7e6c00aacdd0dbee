/** The operator's plane as an express app: the control routes, and the public session routes with the operator's rights. */
import type { Express } from "express";
import type { Logger } from "pino";
import { controlRoutes, VERSION_HEADER, type Status } from "../../shared/protocol/control.ts";
import type { DoctorReport } from "../../shared/protocol/doctor.ts";
import { baseApp, mountSessionFamilies, type PublicAppOptions, type SharedOptions } from "../http/app.ts";
import { adapterErrors } from "../http/adapters/mount-adapters.ts";
import { errorBoundary, noSuchRoute } from "../http/error-boundary.ts";
import { limitBodies } from "../http/json-body.ts";
import { mount } from "../http/mount.ts";
import { letOperatorIn } from "../http/principals.ts";
import { mountMetrics } from "../http/routes/metrics.ts";
import { mountBackup, type BackupOptions } from "./backup.ts";
import { mountFeeds, type FeedOptions } from "./feeds.ts";
import { mountKeys } from "./keys.ts";
import { refusePages, refuseStrangers } from "./peers.ts";
import { mountOpenApi } from "../http/routes/openapi.ts";
import type { ProjectRegistry } from "../projects/registry.ts";

export interface ControlAppOptions
  extends FeedOptions, BackupOptions, Pick<PublicAppOptions, SharedOptions | "metrics"> {
  readonly projects: ProjectRegistry;
  readonly status: () => Promise<Status>;
  readonly doctor: () => Promise<DoctorReport>;
  /** Begins the graceful stop; returns at once. */
  readonly stop: () => void;
  readonly version: string;
  readonly maxBodyBytes: number;
  readonly logger: Logger;
}

export function controlApp(options: ControlAppOptions): Express {
  const { projects } = options;
  const logger = options.logger.child({ part: "control" });
  const app = baseApp(logger, options.mask);
  limitBodies(app, options.maxBodyBytes);
  app.use(refuseStrangers(logger));
  app.use(refusePages);
  app.use(letOperatorIn);
  app.use((_request, response, next) => {
    response.setHeader(VERSION_HEADER, options.version);
    next();
  });

  mount(app, controlRoutes.status, () => options.status());
  mount(app, controlRoutes.doctor, () => options.doctor());
  mount(app, controlRoutes.stop, () => {
    options.stop();
    return Promise.resolve({ pid: process.pid });
  });
  mount(app, controlRoutes.listProjects, async () => ({ data: await projects.list() }));
  mount(app, controlRoutes.addProject, ({ body }) => projects.add(body.path, body.name));
  mount(app, controlRoutes.checkProject, ({ body }) => projects.check(body.path, body.name));
  mount(app, controlRoutes.getProject, ({ params }) => projects.get(params.name));
  mount(app, controlRoutes.removeProject, async ({ params }) => ({
    archived_sessions: await projects.remove(params.name),
  }));
  mount(app, controlRoutes.setDefaultProject, ({ params }) => projects.setDefault(params.name));
  mountKeys(app, options.authenticator.keys);
  mountBackup(app, options);
  mountFeeds(app, options);
  mountMetrics(app, options.metrics);
  mountOpenApi(app, options.version);
  mountSessionFamilies(app, options);
  app.use(noSuchRoute);
  app.use(adapterErrors(logger));
  app.use(errorBoundary(logger));
  return app;
}
