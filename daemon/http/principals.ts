/** Who sent a request. Said once, by the plane that took it in; a request of which nothing was said may do nothing. */
import type { Request, RequestHandler } from "express";
import { KartaError } from "../../shared/errors.ts";
import type { Principal } from "../keys/principal.ts";

const principals = new WeakMap<Request, Principal>();

export function setPrincipal(request: Request, principal: Principal): void {
  principals.set(request, principal);
}

/** @throws KartaError `unauthorized` for a request that nobody has let in */
export function principalOf(request: Request): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new KartaError("unauthorized", "this path wants a credential");
  return principal;
}

/** For the operator's plane: who may enter its socket is the operator. */
export const letOperatorIn: RequestHandler = (request, _response, next) => {
  setPrincipal(request, { kind: "operator" });
  next();
};
