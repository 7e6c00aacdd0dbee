/** Puts a declared route on a router: params and body are checked by its schemas before the handler sees them. */
import express, {
  type Express,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from "express";
import type { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import { takesBody, type PathParams, type Route } from "../../shared/protocol/route.ts";
import { invalidRequest } from "./error-boundary.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

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

const jsonReader = (limit: number): RequestHandler =>
  express.json({ limit, strict: false, type: () => true });
const defaultReader = jsonReader(DEFAULT_LIMITS.max_body_bytes);
const readers = new WeakMap<object, RequestHandler>();

/** Larger bodies are refused by every route of this app. */
export function limitBodies(app: Express, bytes: number): void {
  readers.set(app, jsonReader(bytes));
}

/** Refuses a body that is not JSON, and reads one that is. A request without a body is `{}` where one is expected. */
const readJson: RequestHandler = (request, response, next) =>
  (readers.get(request.app) ?? defaultReader)(request, response, next);

const requireJson: RequestHandler = (request, _response, next) => {
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  if (hasBody && request.is(["application/json", "application/*+json"]) === false) {
    throw new KartaError(
      "unsupported_media_type",
      `expected Content-Type: application/json, found ${request.headers["content-type"] ?? "none"}`,
    );
  }
  next();
};

/** @throws KartaError `invalid_json` when the body is JSON but not an object */
function objectOf(body: unknown): object {
  if (body === undefined) return {};
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  const found = body === null ? "null" : Array.isArray(body) ? "an array" : `a ${typeof body}`;
  throw new KartaError("invalid_json", `expected the body to be a JSON object, found ${found}`);
}

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
  const steps = hasBody ? [requireJson, readJson, answer] : [answer];
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
