/** Each route of the OpenAPI document once, in a project's family where it stands there, with a body that it takes. */
import { newId } from "../../../shared/ids.ts";
import { LINES, type Line } from "../tenancy/lines.ts";
import { places, type Place } from "../tenancy/places.ts";

export interface HostileRoute extends Place {
  readonly line: Line;
}

export const ROUTES: readonly HostileRoute[] = [...new Set(places.map(({ name }) => name))].flatMap(
  (name) => {
    const all = places.filter((place) => place.name === name);
    const place = all.find(({ base }) => base === "/v1/projects/bot") ?? all[0];
    const line = LINES[name];
    return place === undefined || line === undefined ? [] : [{ ...place, line }];
  },
);

/** Its path, with the values of its parameters; those that are not given are names of nothing. */
export function pathTo({ base, path, line }: HostileRoute, values: Readonly<Record<string, string>>): string {
  const { query = "" } = line;
  return base + path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? newId("req")) + query;
}

/** Names of a path's parameters. */
export function parametersOf({ path }: Place): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
}
