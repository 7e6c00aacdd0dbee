/** Every place where a route of the OpenAPI document stands: the local organisation's family too, which the document leaves out. */
import { openApiDocument } from "../../../daemon/http/openapi/document.ts";

const FAMILIES = [
  { base: "/v1/projects/{ref}", kind: "project", bases: ["/v1/projects/bot", "/local/bot/v1"] },
  { base: "/v1", kind: "flat", bases: ["/v1"] },
  { base: "", kind: "none", bases: [""] },
] as const;

export interface Place {
  /** `POST /sessions`. */
  readonly name: string;
  readonly method: string;
  readonly base: string;
  readonly path: string;
  readonly family: (typeof FAMILIES)[number]["kind"];
}

export const places: readonly Place[] = Object.entries(openApiDocument("0.0.0").paths).flatMap(
  ([path, item]) =>
    Object.keys(item).flatMap((lower): Place[] => {
      const family = FAMILIES.find(({ base }) => path.startsWith(base)) ?? FAMILIES[2];
      const rest = path.slice(family.base.length);
      const method = lower.toUpperCase();
      return family.bases.map((base) => ({
        name: `${method} ${rest}`,
        method,
        base,
        path: rest,
        family: family.kind,
      }));
    }),
);

/** What a path names: nothing, something that is one user's, or something that is a project's. */
export function namedBy({ path }: Place): "nothing" | "a user's" | "a project's" {
  if (/\{(id|conversation_id|response_id)\}/.test(path)) return "a user's";
  return /\{(model|agent|environment)\}/.test(path) ? "a project's" : "nothing";
}
