/** What a route reads besides its body: the parameters of its path, its query and its headers. */
import { paramNames, type Route } from "../../../shared/protocol/route.ts";
import type { JsonSchema, Schemas } from "./schemas.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly style?: "form";
  readonly explode?: boolean;
  readonly schema: JsonSchema;
}

const IN_PATHS: Readonly<Record<string, string>> = {
  ref: "The project's name.",
  id: "The session's id, `sess_…`.",
  response_id: "The response's id, `resp_…`.",
  conversation_id: "The conversation's id, `conv_…`; a session's, `sess_…`, will do too.",
  model: "A project's name, `name@agent` or `name@version`.",
  request_id: "The `request_id` of the event that asked, `req_…`.",
};

/** @param path the whole path, with the parameters of the family it stands in */
export function parametersOf(route: Route, path: string, schemas: Schemas): Parameter[] {
  const query = schemas.of(route.query, "input");
  const headers = route.headers === undefined ? {} : schemas.of(route.headers, "input");
  return [
    ...paramNames(path).map((name) => pathParameter(name)),
    ...namedParameters("query", query),
    ...patternParameters(query),
    ...namedParameters("header", headers),
  ];
}

function pathParameter(name: string): Parameter {
  const description = IN_PATHS[name];
  return {
    name,
    in: "path",
    required: true,
    ...(description === undefined ? {} : { description }),
    schema: { type: "string" },
  };
}

/** Names that only the caller knows (`metadata.KEY`): one object whose fields are the parameters. */
function patternParameters({ patternProperties }: JsonSchema): Parameter[] {
  if (patternProperties === undefined) return [];
  return [
    {
      name: "metadata",
      in: "query",
      description: "`metadata.KEY=VALUE`: sessions whose metadata has this value.",
      style: "form",
      explode: true,
      schema: { type: "object", patternProperties, additionalProperties: false },
    },
  ];
}

function namedParameters(place: "query" | "header", schema: JsonSchema): Parameter[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property === true || property === false ? {} : property;
    return {
      name,
      in: place,
      ...(required.has(name) ? { required: true } : {}),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}
