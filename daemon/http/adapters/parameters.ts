/**
 * What becomes of each parameter of another API's requests. A table an API: requests are checked by it, the documentation
 * shows it, and each of its rows has a test.
 */
import { isDeepStrictEqual } from "node:util";

/**
 * - `supported`: does what that API's reference says
 * - `ignored`: taken and without effect, where that harms nobody
 * - `refused`: a 400, where ignoring it would mislead
 */
export type Treatment = "supported" | "ignored" | "refused";

export interface Parameter {
  readonly treatment: Treatment;
  /** For the reader of the table: how, or why not. */
  readonly note: string;
  /** A value that shows the treatment, where the tests have none of their own. */
  readonly example?: unknown;
  /** Of a refused one: values that ask for nothing. Null always passes. */
  readonly passes?: readonly unknown[];
}

/** Name → treatment; a dot leads into an object. */
export type ParameterTable = Readonly<Record<string, Parameter>>;

export const supported = (note: string, example?: unknown): Parameter => ({
  treatment: "supported",
  note,
  example,
});
export const ignored = (note: string, example?: unknown): Parameter => ({
  treatment: "ignored",
  note,
  example,
});
export const refused = (note: string, example?: unknown, passes: readonly unknown[] = []): Parameter => ({
  treatment: "refused",
  note,
  example,
  passes,
});

/** Whether a value of a refused parameter asks for what is refused. */
export function asksForIt({ passes = [] }: Parameter, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return !passes.some((one) => isDeepStrictEqual(one, value));
}

/** The names that a request may have at its top. */
export function namesIn(table: ParameterTable): ReadonlySet<string> {
  return new Set(Object.keys(table).map((path) => path.split(".")[0] ?? path));
}

/** What a request has at a table's name; undefined: nothing. */
export function valueAt(body: object, path: string): unknown {
  let place: unknown = body;
  for (const key of path.split(".")) {
    if (typeof place !== "object" || place === null) return undefined;
    place = new Map<string, unknown>(Object.entries(place)).get(key);
  }
  return place;
}
