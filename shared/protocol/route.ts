/** A route, declared once: the server validates with it, the clients call by it, the OpenAPI page is made from it. */
import type { z } from "zod";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

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
  /** The status of a plain success. */
  readonly status: number;
  readonly query: Query;
  readonly body: Body;
  readonly response: Response;
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

/** Fills a path's parameters in, each percent-encoded. */
export function fillPath<Path extends string>(path: Path, params: PathParams<Path>): string {
  const values = new Map<string, string>(
    Object.entries(params ?? {}).map(([name, value]) => [name, String(value)]),
  );
  return path.replace(/:([a-z_]+)/g, (_, name: string) => encodeURIComponent(values.get(name) ?? ""));
}
