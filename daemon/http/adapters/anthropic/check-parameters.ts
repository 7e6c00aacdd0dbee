/** Holds a request against the table of its parameters. */
import { refuse } from "./content.ts";
import { asksForIt, namesIn, valueAt, type Parameter, type ParameterTable } from "../parameters.ts";

/**
 * @throws KartaError `invalid_request` that names the first field which is refused, or is none of the API's: one that came
 *   with a newer client may ask for something, and must not be passed over in silence
 */
export function requireTaken(table: ParameterTable, given: Readonly<Record<string, unknown>>): void {
  const known = namesIn(table);
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

/** An empty list asks for nothing, whatever the parameter. */
function asksForSomething(parameter: Parameter, value: unknown): boolean {
  return !(Array.isArray(value) && value.length === 0) && asksForIt(parameter, value);
}
