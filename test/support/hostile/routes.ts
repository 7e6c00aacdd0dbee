/** Each route of the OpenAPI document once, in a project's family where it stands there, with a body that it takes. */
import { openApiDocument } from "../../../daemon/http/openapi/document.ts";
import { newId } from "../../../shared/ids.ts";
import { LINES, type Line } from "../tenancy/lines.ts";
import { places, type Place } from "../tenancy/places.ts";

export interface HostileRoute extends Place {
  readonly line: Line;
  /** Its declaration says what a body is like. */
  readonly takesBody: boolean;
}

const { paths } = openApiDocument("0.0.0");

export const ROUTES: readonly HostileRoute[] = [...new Set(places.map(({ name }) => name))].flatMap(
  (name) => {
    const all = places.filter((place) => place.name === name);
    const place = all.find(({ base }) => base === "/v1/projects/bot") ?? all[0];
    const line = LINES[name];
    if (place === undefined || line === undefined) return [];
    const { base, path, method } = place;
    const item = paths[base.replace("/projects/bot", "/projects/{ref}") + path];
    return [{ ...place, line, takesBody: item?.[method.toLowerCase()]?.requestBody !== undefined }];
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
