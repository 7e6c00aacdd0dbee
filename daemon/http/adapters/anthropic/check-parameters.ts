/** Holds a request against the table of its parameters. */
import { isDeepStrictEqual } from "node:util";
import { refuse } from "./content.ts";
import type { Parameter, ParameterTable } from "./parameters.ts";

/**
 * @throws KartaError `invalid_request` that names the first field which is refused, or is none of the API's: one that came
 *   with a newer client may ask for something, and must not be passed over in silence
 */
export function requireTaken(table: ParameterTable, given: Readonly<Record<string, unknown>>): void {
  const known = new Set(Object.keys(table).map(firstName));
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    refuse(name, `Karta does not know this parameter; it knows ${[...known].join(", ")}`);
  }
  for (const [name, parameter] of Object.entries(table)) {
    if (parameter.treatment !== "refused") continue;
    if (asksForSomething(parameter, valueAt(given, name)))
      refuse(name, `not supported here: ${parameter.note}; leave it out`);
  }
}

function firstName(name: string): string {
  return name.split(".")[0] ?? name;
}

function valueAt(given: Readonly<Record<string, unknown>>, name: string): unknown {
  return name
    .split(".")
    .reduce<unknown>((value, key) => new Map(Object.entries(isObject(value) ? value : {})).get(key), given);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function asksForSomething({ passes = [] }: Parameter, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value) && value.length === 0) return false;
  return !passes.some((one) => isDeepStrictEqual(one, value));
}
