/** What a request can be refused with before its route is asked: the errors that every route has, and those of its parts. */
import { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import { paramNames, takesBody, type Route } from "./route.ts";

/** Of any request at all: HTTP that is none, guards, limits, and our own bugs. */
const EVERY_ROUTE = [
  "bad_request",
  "origin_not_allowed",
  "request_timeout",
  "url_too_long",
  "rate_limited",
  "headers_too_large",
  "internal",
  "too_many_connections",
] as const satisfies readonly ErrorCode[];

/** Where a credential is asked for. */
const OF_CREDENTIALS = ["unauthorized", "forbidden"] as const satisfies readonly ErrorCode[];

const OF_BODIES = [
  "invalid_json",
  "body_too_large",
  "unsupported_media_type",
] as const satisfies readonly ErrorCode[];

/**
 * The codes that a route's declared parts bring.
 * @param path the whole path, with the parameters of the family it stands in
 */
export function edgeErrors(route: Route, path: string): readonly ErrorCode[] {
  const { query, headers } = route;
  const hasQuery = !(query instanceof z.ZodObject && Object.keys(query.shape).length === 0);
  return [
    ...EVERY_ROUTE,
    ...(route.access === "public" ? [] : OF_CREDENTIALS),
    ...(takesBody(route) ? OF_BODIES : []),
    ...(takesBody(route) || hasQuery || headers !== undefined ? (["invalid_request"] as const) : []),
    ...(paramNames(path).length > 0 ? (["not_found"] as const) : []),
  ];
}
