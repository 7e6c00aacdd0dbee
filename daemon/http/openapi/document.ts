/** OpenAPI 3.1 of the public API, made of the routes that the daemon mounts and validates by: there is no second copy. */
import { z } from "zod";
import { ADAPTER_ROUTES } from "../../../shared/protocol/adapters/routes.ts";
import { healthRoutes } from "../../../shared/protocol/health.ts";
import { takesBody, type Route } from "../../../shared/protocol/route.ts";
import { sessionRoutes } from "../../../shared/protocol/sessions.ts";
import { embedRoutes, sessionTokenRoutes } from "../../../shared/protocol/tokens.ts";
import { parametersOf, type Parameter } from "./parameters.ts";
import { ErrorResponses, HEADERS, successOf, type Reference, type ResponseObject } from "./responses.ts";
import { describeSchemas, type JsonSchema, type Schemas } from "./schemas.ts";

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  /** Left out: the document's own. */
  readonly security?: readonly [];
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
  /** One of these; nothing (`{}`) is enough for a kartad without keys. */
  readonly security: readonly Readonly<Partial<Record<keyof typeof SECURITY_SCHEMES, readonly []>>>[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** Path → method in lower case → operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly headers: typeof HEADERS;
    readonly securitySchemes: typeof SECURITY_SCHEMES;
  };
}

/** No credential is wanted, whatever kartad has. */
const NOTHING: readonly [] = [];

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description:
      "An API key (`karta keys create`), for a backend; or a session token, for one user's browser, on the routes of its " +
      "project. A browser's WebSocket offers the protocol `karta.bearer.TOKEN`, and one more for the answer to choose.",
  },
  apiKey: {
    type: "apiKey",
    in: "header",
    name: "x-api-key",
    description: "The same, as some clients send it.",
  },
} as const;

/** The same routes under a base of their own. */
interface Family {
  readonly tag: string;
  /** Of the tag; empty where another family has it too. */
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
    tag: "session tokens",
    description: "What a browser speaks to one project with, on behalf of one user.",
    base: "/v1/projects/:ref",
    routes: sessionTokenRoutes,
    idOf: (name) => name,
  },
  {
    tag: "session tokens",
    description: "",
    base: "/v1",
    routes: embedRoutes,
    idOf: (name) => name,
  },
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
an answer, which a newer kartad may add.

Without keys kartad wants no credential, and is reached by local programs alone. From the first \`karta keys create\` on every
request wants one: 401 \`unauthorized\` without a good one, 403 \`forbidden\` for a good one that may not do this, 404 for
what is not there, or is somebody else's.`;

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
    security: [{ bearer: [] }, { apiKey: [] }, {}],
    tags: FAMILIES.flatMap(({ tag, description }) => (description === "" ? [] : { name: tag, description })),
    paths,
    components: {
      schemas: schemas.components,
      responses: errors.components,
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
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
    ...(route.access === "public" ? { security: NOTHING } : {}),
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
