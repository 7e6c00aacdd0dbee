/** Every route the CLI calls. The public session routes are served on the control socket under `/v1`. */
import type { z } from "zod";
import { controlRoutes } from "../../shared/protocol/control.ts";
import type { Route } from "../../shared/protocol/route.ts";
import { sessionRoutes } from "../../shared/protocol/sessions.ts";

/** A public route as it stands on the control socket. */
function underV1<
  Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Response extends z.ZodType,
>(route: Route<Path, Query, Body, Response>): Route<`/v1${Path}`, Query, Body, Response> {
  return { ...route, path: `/v1${route.path}` };
}

export const routes = {
  ...controlRoutes,
  createSession: underV1(sessionRoutes.createSession),
  listSessions: underV1(sessionRoutes.listSessions),
  getSession: underV1(sessionRoutes.getSession),
  deleteSession: underV1(sessionRoutes.deleteSession),
  cancelTurn: underV1(sessionRoutes.cancelTurn),
  resolveInput: underV1(sessionRoutes.resolveInput),
} as const;
