/** Puts a declared route on a router: params and body are checked by its schemas before the handler sees them. */
import type { Request, RequestHandler, Response, Router } from "express";
import type { z } from "zod";
import { takesBody, type PathParams, type Route } from "../../shared/protocol/route.ts";
import { requireAccess } from "./access.ts";
import { invalidRequest } from "./error-boundary.ts";
import { objectOf, readJson, requireJson } from "./json-body.ts";

/** The handler wrote the answer itself (a stream). */
export const STREAMED = Symbol("streamed");

export interface Call<Path extends string, Query, Body> {
  readonly params: PathParams<Path>;
  readonly query: Query;
  readonly body: Body;
  readonly request: Request;
  readonly response: Response;
}

export type Handler<Path extends string, Query, Body, Answer> = (
  call: Call<Path, Query, Body>,
) => Promise<Answer | typeof STREAMED>;

function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw invalidRequest(result.error);
  return result.data;
}

/** The headers that a route declares, as they came. */
function headersOf(declared: z.ZodObject, request: Request): Record<string, unknown> {
  const names = Object.keys(declared.shape);
  return Object.fromEntries(names.map((name) => [name, request.headers[name.toLowerCase()]]));
}

export function mount<Path extends string, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  router: Router,
  route: Route<Path, Q, B, R>,
  handler: Handler<Path, z.output<Q>, z.output<B>, z.input<R>>,
): void {
  const hasBody = takesBody(route);
  const answer: RequestHandler = async (request, response) => {
    if (route.headers !== undefined) checked(route.headers, headersOf(route.headers, request));
    const body = checked(route.body, hasBody ? objectOf(request.body) : undefined);
    const query = checked(route.query, request.query);
    // Express fills exactly the names that the path declares, which is what PathParams says.
    const params = request.params as PathParams<Path>;
    const result = await handler({ params, query, body, request, response });
    if (result === STREAMED) return;
    if (result === undefined) response.status(route.status).end();
    else response.status(route.status).json(result);
  };
  const access = requireAccess(route);
  const steps = hasBody ? [access, requireJson, readJson, answer] : [access, answer];
  switch (route.method) {
    case "GET":
      router.get(route.path, ...steps);
      return;
    case "POST":
      router.post(route.path, ...steps);
      return;
    case "PUT":
      router.put(route.path, ...steps);
      return;
    case "PATCH":
      router.patch(route.path, ...steps);
      return;
    case "DELETE":
      router.delete(route.path, ...steps);
      return;
  }
}
