/** One request by a declared route, typed by the route itself, and its answer read by the route's own schema. */
import type { z } from "zod";
import { issuesFromZod } from "../errors.ts";
import { fillPath, type PathParams, type Route } from "../protocol/route.ts";
import { isFailure, readError, readJson, UnreadableAnswerError } from "./errors.ts";
import type { Transport, TransportAnswer } from "./transport.ts";

/** What a call must and may give: parameters where the path names some, a body where the route takes one. */
export type CallOptions<Path extends string, Query extends z.ZodType, Body extends z.ZodType> = {
  readonly query?: z.input<Query>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
} & (unknown extends PathParams<Path>
  ? { readonly params?: undefined }
  : { readonly params: PathParams<Path> }) &
  (undefined extends z.input<Body> ? { readonly body?: undefined } : { readonly body: z.input<Body> });

/** What is left of the options when a route needs none: then they may be left out. */
interface NoOptions {
  readonly params?: undefined;
  readonly body?: undefined;
}
export type CallArguments<Path extends string, Query extends z.ZodType, Body extends z.ZodType> =
  NoOptions extends CallOptions<Path, Query, Body>
    ? [options?: CallOptions<Path, Query, Body>]
    : [options: CallOptions<Path, Query, Body>];

export interface RouteCallerOptions {
  readonly transport: Transport;
  /** Before every route's path: `/v1`, say. */
  readonly base: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Told of each answer's head. */
  readonly onAnswer?: ((answer: TransportAnswer) => void) | undefined;
}

export class RouteCaller {
  readonly #options: RouteCallerOptions;

  constructor(options: RouteCallerOptions) {
    this.#options = options;
  }

  /**
   * Calls a route, once.
   * @throws KartaError for what Karta refuses, ConnectionError, UnreadableAnswerError, the signal's reason
   */
  async call<Path extends string, Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType>(
    route: Route<Path, Query, Body, Answer>,
    ...[options]: CallArguments<Path, Query, Body>
  ): Promise<z.output<Answer>> {
    const answer = await this.#request(route, options, "application/json");
    const parsed = route.response.safeParse(await readJson(answer));
    if (parsed.success) return parsed.data;
    throw new UnreadableAnswerError(
      answer.status,
      `the answer to ${route.method} ${route.path} cannot be read`,
      { issues: issuesFromZod(parsed.error) },
    );
  }

  /** Opens a route's event stream. Owner: the caller, who reads the answer or closes it. @throws as `call` */
  open<Path extends string, Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType>(
    route: Route<Path, Query, Body, Answer>,
    ...[options]: CallArguments<Path, Query, Body>
  ): Promise<TransportAnswer> {
    return this.#request(route, options, "text/event-stream");
  }

  async #request(
    route: Pick<Route, "method" | "path">,
    options: RequestParts | undefined,
    accept: string,
  ): Promise<TransportAnswer> {
    const { transport, base, headers, onAnswer } = this.#options;
    const { params, query, body, signal } = options ?? {};
    const answer = await transport.request({
      method: route.method,
      path: base + fillPath(route.path, params) + queryText(query),
      headers: {
        accept,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
        ...options?.headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    });
    onAnswer?.(answer);
    if (isFailure(answer)) throw await readError(answer);
    return answer;
  }
}

interface RequestParts {
  readonly params?: PathParams<string>;
  readonly query?: unknown;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** `?a=1&b=2`, or nothing; a field without a value is left out. */
export function queryText(query: unknown): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      search.set(name, String(value));
    }
  }
  return search.size === 0 ? "" : `?${search.toString()}`;
}
