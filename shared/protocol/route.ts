/** A route, declared once: the server validates with it, the clients call by it, the OpenAPI page is made from it. */
import type { z } from "zod";
import { KartaError, type ErrorCode } from "../errors.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** How another API than Karta's own writes its refusals. */
export interface ErrorForm {
  /** Every refusal's body. */
  readonly body: z.ZodType;
  /** The status that a code travels with there. */
  readonly statusOf: (code: ErrorCode) => number;
}

/**
 * Whom a route is for. `public`: anybody. `member` (left out): whoever may reach its family of paths, to look by GET, to
 * change by anything else. `backend`: of those the API keys, no session token. `daemon`: an `admin` key of no project.
 */
export type Access = "public" | "member" | "backend" | "daemon";

export interface Route<
  Path extends string = string,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  /** Express form: `:name` marks a parameter. */
  readonly path: Path;
  readonly summary: string;
  /** What the summary leaves out, as Markdown. */
  readonly description?: string;
  readonly access?: Access;
  /** The status of a plain success. */
  readonly status: number;
  readonly query: Query;
  /** Request headers that only some routes read, by their usual spelling. */
  readonly headers?: z.ZodObject;
  readonly body: Body;
  /** A string: the answer is text, not JSON. */
  readonly response: Response;
  /** The data of each server-sent event, where the route can answer with a stream. */
  readonly stream?: z.ZodType;
  /** Headers that an answer may have: name → what it says. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /** What the route itself refuses with; `edgeErrors` has what comes of every route's parts. */
  readonly errors: readonly ErrorCode[];
  /** Failures after the answer's first words: then the status is 502, whatever the code. */
  readonly lateErrors?: readonly ErrorCode[];
  /** Left out: refusals have the API's own body. */
  readonly errorForm?: ErrorForm;
}

/** The names of a path's parameters, in order. */
export function paramNames(path: string): string[] {
  return [...path.matchAll(/:([a-z_]+)/g)].flatMap(([, name]) => name ?? []);
}

/** True: requests carry a JSON object, be it an empty one. */
export function takesBody(route: Pick<Route, "body">): boolean {
  return route.body.safeParse({}).success || !route.body.safeParse(undefined).success;
}

/** The parameters that a path names: `"/sessions/:id"` → `{ id: string }`. */
export type PathParams<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string> & PathParams<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Record<Name, string>
    : unknown;

/** Declares a route; only there so that the literal types are kept. */
export function route<
  const Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Response extends z.ZodType,
>(declared: Route<Path, Query, Body, Response>): Route<Path, Query, Body, Response> {
  return declared;
}

/**
 * Fills a path's parameters in, each percent-encoded. No encoding makes a name of nothing, one dot or two dots: `fetch` and
 * proxies walk by them, to another route. Nothing has such a name.
 * @throws KartaError `not_found` for those
 */
export function fillPath<Path extends string>(path: Path, params: PathParams<Path>): string {
  const values = new Map<string, string>(
    Object.entries(params ?? {}).map(([name, value]) => [name, String(value)]),
  );
  return path.replace(/:([a-z_]+)/g, (_, name: string) => {
    const value = values.get(name) ?? "";
    if (value === "" || value === "." || value === "..")
      throw new KartaError("not_found", `${name}: expected a name or an id, found ${JSON.stringify(value)}`);
    return encodeURIComponent(value);
  });
}
