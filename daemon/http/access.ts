/**
 * Who may do what: decided here and nowhere else. Each family of paths admits its requests before any route sees them,
 * with the scope that all lookups then go by; each route asks once more for what its declaration says. A path that
 * neither knows is denied.
 */
import type { Request, RequestHandler } from "express";
import { KartaError } from "../../shared/errors.ts";
import type { Route } from "../../shared/protocol/route.ts";
import type { Principal } from "../keys/principal.ts";
import type { Scope } from "../sessions/scope.ts";
import { principalOf } from "./principals.ts";

/** `flat`: all of the daemon's sessions, `/v1/…`. `project`: one project's, `/v1/projects/{ref}/…` and `/local/{ref}/v1/…`. */
export type PathFamily = { readonly kind: "flat" } | { readonly kind: "project"; readonly name: string };

const LOOKS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * What a principal may reach by a path. It does not look whether the project is there: who may not reach it must not
 * learn that.
 * @throws KartaError `forbidden`
 */
function scopeFor(principal: Principal, family: PathFamily, method: string): Scope {
  switch (principal.kind) {
    case "operator":
      return everyones(family);
    case "key":
      if (principal.scope === "read" && !LOOKS.has(method))
        throw forbidden("this API key may only look (its scope is read); make one with --scope write");
      if (principal.project === null) return everyones(family);
      requireProject(principal.project, family);
      return { kind: "project", name: principal.project, endUser: null };
    case "end_user":
      if (family.kind === "flat")
        throw forbidden("a session token reaches project routes only: /v1/projects/{ref}/…");
      requireProject(principal.project, family);
      return { kind: "project", name: principal.project, endUser: principal.endUser };
  }
}

function everyones(family: PathFamily): Scope {
  return family.kind === "flat" ? { kind: "all" } : { kind: "project", name: family.name, endUser: null };
}

function requireProject(own: string, family: PathFamily): void {
  if (family.kind === "project" && family.name !== own)
    throw forbidden(`this credential is for the project ${own} alone`);
}

/** @throws KartaError `forbidden` for a principal that the route is not for */
function requireRoute(principal: Principal, route: Pick<Route, "access">, request: Request): void {
  if (principal.kind === "operator") return;
  switch (route.access ?? "member") {
    case "public":
      return;
    case "member":
      scopeOf(request);
      return;
    case "backend":
      scopeOf(request);
      if (principal.kind === "end_user")
        throw forbidden("this route is for API keys, not for session tokens");
      return;
    case "daemon":
      if (principal.kind === "key" && principal.scope === "admin" && principal.project === null) return;
      throw forbidden(
        "this route is of the daemon as a whole: it wants an API key of scope admin and of no project",
      );
  }
}

function forbidden(detail: string): KartaError {
  return new KartaError("forbidden", detail);
}

const scopes = new WeakMap<Request, Scope>();

/** Admits a family's requests, or refuses them. One that an outer family has admitted keeps that scope. */
export function admission(
  familyOf: (request: Request) => PathFamily,
  projectExists: (name: string) => boolean,
): RequestHandler {
  return (request, _response, next) => {
    if (!scopes.has(request)) {
      const family = familyOf(request);
      const scope = scopeFor(principalOf(request), family, request.method);
      if (family.kind === "project" && !projectExists(family.name))
        throw new KartaError("not_found", "no such project");
      scopes.set(request, scope);
    }
    next();
  };
}

/** Which sessions an admitted request may reach. @throws KartaError `forbidden` for one that no family has admitted */
export function scopeOf(request: Request): Scope {
  const scope = scopes.get(request);
  if (scope === undefined) throw forbidden("no family of routes has let this request in");
  return scope;
}

/**
 * A scope in one of the projects that it reaches, for a request that names its project in its body, as a `model` say. An
 * end user stays the one that they are.
 * @throws KartaError `not_found` for a project that the scope does not reach
 */
export function withinProject(scope: Scope, project: string): Scope & { readonly kind: "project" } {
  switch (scope.kind) {
    case "all":
      return { kind: "project", name: project, endUser: null };
    case "project":
      if (scope.name !== project) throw new KartaError("not_found", "no such project");
      return scope;
  }
}

/** For a route, before its body is read. @throws KartaError `unauthorized`, `forbidden` */
export function requireAccess(route: Pick<Route, "access">): RequestHandler {
  return (request, _response, next) => {
    if (route.access !== "public") requireRoute(principalOf(request), route, request);
    next();
  };
}
