/** OpenAPI 3.1 of the public API, made of the routes that the daemon mounts and validates by: there is no second copy. */
import { z } from "zod";
import { ADAPTER_ROUTES } from "../../../shared/protocol/adapters/routes.ts";
import { healthRoutes } from "../../../shared/protocol/health.ts";
import { takesBody, type Route } from "../../../shared/protocol/route.ts";
import { sessionRoutes } from "../../../shared/protocol/sessions.ts";
import { parametersOf, type Parameter } from "./parameters.ts";
import { ErrorResponses, HEADERS, successOf, type Reference, type ResponseObject } from "./responses.ts";
import { describeSchemas, type JsonSchema, type Schemas } from "./schemas.ts";

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: { readonly "application/json": { readonly schema: JsonSchema } };
  };
  /** By status. */
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>;
}

export interface OpenApiDocument {
  readonly openapi: "3.1.1";
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  /** None: a daemon without keys is reached by who may reach its address. */
  readonly security: readonly [];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** Path → method in lower case → operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly headers: typeof HEADERS;
  };
}

/** The same routes under a base of their own. */
interface Family {
  readonly tag: string;
  readonly description: string;
  /** Express form. */
  readonly base: string;
  readonly routes: Readonly<Record<string, Route>>;
  /** Makes a route's name its operation's id, which must be unique. */
  readonly idOf: (name: string) => string;
}

const FAMILIES: readonly Family[] = [
  {
    tag: "sessions",
    description: "All sessions of the daemon, for a backend.",
    base: "/v1",
    routes: sessionRoutes,
    idOf: (name) => name,
  },
  {
    tag: "project sessions",
    description: "The same routes, for the sessions of one project. `/local/{ref}/v1/…` is the same family.",
    base: "/v1/projects/:ref",
    routes: sessionRoutes,
    idOf: (name) => `${name}InProject`,
  },
  ...ADAPTER_ROUTES.flatMap(({ tag, description, routes, families }) =>
    families.map((family): Family => ({
      tag: family === "project" ? `project ${tag}` : tag,
      description: family === "project" ? `${description} With one project.` : description,
      base: family === "project" ? "/v1/projects/:ref" : "/v1",
      routes,
      idOf: (name) => (family === "project" ? `${name}InProject` : name),
    })),
  ),
  {
    tag: "service",
    description: "The daemon itself.",
    base: "",
    routes: healthRoutes,
    idOf: (name) => name,
  },
];

const DESCRIPTION = `Sessions with agents, over HTTP.

A session is a handle; one turn at a time runs in it. Events are stored before they are sent, and their \`seq\` grows by
exactly 1, so a client that lost its connection reads on from the last one it saw.

Every refusal has the body \`Error\`: match on \`error\`, show \`detail\`. The routes of other APIs have those APIs' own. A path that is not here, or a method that a path
does not have, is 404 \`not_found\`. Unknown fields of a body are refused (422); a client must pass over unknown fields of
an answer, which a newer kartad may add.`;

/** @param version the daemon's own */
export function openApiDocument(version: string): OpenApiDocument {
  const routes = FAMILIES.flatMap((family) => Object.values(family.routes));
  const schemas = describeSchemas({
    input: [
      ...routes.flatMap(({ query, headers }) => [query, ...(headers === undefined ? [] : [headers])]),
      ...routes.filter(takesBody).map(({ body }) => body),
    ],
    output: routes.flatMap(({ response, stream, errorForm }) => [
      ...(errorForm === undefined ? [] : [errorForm.body]),
      ...(response instanceof z.ZodUndefined ? [] : [response]),
      ...(stream === undefined ? [] : [stream]),
    ]),
  });
  const errors = new ErrorResponses();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const family of FAMILIES) {
    for (const [name, route] of Object.entries(family.routes)) {
      const path = family.base + route.path;
      const item = (paths[path.replace(/:([a-z_]+)/g, "{$1}")] ??= {});
      item[route.method.toLowerCase()] = operationOf({ family, name, route, path }, schemas, errors);
    }
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Karta",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [],
    tags: FAMILIES.map(({ tag, description }) => ({ name: tag, description })),
    paths,
    components: { schemas: schemas.components, responses: errors.components, headers: HEADERS },
  };
}

interface Placed {
  readonly family: Family;
  readonly name: string;
  readonly route: Route;
  /** Whole, in express form. */
  readonly path: string;
}

function operationOf(
  { family, name, route, path }: Placed,
  schemas: Schemas,
  errors: ErrorResponses,
): Operation {
  return {
    operationId: family.idOf(name),
    tags: [family.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    parameters: parametersOf(route, path, schemas),
    ...(takesBody(route)
      ? {
          requestBody: {
            required: !route.body.safeParse({}).success,
            content: { "application/json": { schema: schemas.of(route.body, "input") } },
          },
        }
      : {}),
    responses: { [route.status]: successOf(route, schemas), ...errors.of(route, path, schemas) },
  };
}
