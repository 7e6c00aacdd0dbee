/** What a route answers: its success, and every refusal that it or the edge declares, each with its codes. */
import { z } from "zod";
import { ERRORS, type ErrorCode } from "../../../shared/errors.ts";
import { pascalCase } from "../../../shared/protocol/components.ts";
import { edgeErrors } from "../../../shared/protocol/edge-errors.ts";
import type { Route } from "../../../shared/protocol/route.ts";
import type { JsonSchema, Schemas } from "./schemas.ts";

export interface Reference {
  readonly $ref: string;
}

export interface HeaderObject {
  readonly description: string;
  readonly schema: JsonSchema;
}

export interface ResponseObject {
  readonly description: string;
  /** A reference: every such answer has it. */
  readonly headers: Readonly<Record<string, Reference | HeaderObject>>;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

/** The headers that answers share, for `components`. */
export const HEADERS = {
  "X-Request-Id": {
    description: "Names this request in kartad's log.",
    required: true,
    schema: { type: "string" },
  },
  "Retry-After": {
    description: "Seconds after which trying again makes sense.",
    required: true,
    schema: { type: "integer", minimum: 1 },
  },
} as const;

const headers = (...names: (keyof typeof HEADERS)[]): Record<string, Reference> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** Refusals, each once: the routes refer to them. */
export class ErrorResponses {
  readonly #made: Record<string, ResponseObject> = {};

  /** For `components`. */
  get components(): Readonly<Record<string, ResponseObject>> {
    return this.#made;
  }

  /** Status → refusal. @param path the route's whole path */
  of(route: Route, path: string, schemas: Schemas): Record<string, Reference | ResponseObject> {
    const { errorForm } = route;
    const byStatus = new Map<number, Set<ErrorCode>>();
    const add = (status: number, code: ErrorCode): void => {
      byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
    };
    const statusOf = errorForm?.statusOf ?? ((code: ErrorCode) => ERRORS[code].status);
    for (const code of [...edgeErrors(route, path), ...route.errors]) add(statusOf(code), code);
    for (const code of route.lateErrors ?? []) add(502, code);
    const refusalOf = (status: number, codes: ReadonlySet<ErrorCode>): Reference | ResponseObject =>
      errorForm === undefined
        ? this.#refusal(status, codes)
        : refusal(status, [...codes].sort(), schemas.of(errorForm.body, "output"));
    return Object.fromEntries([...byStatus].map(([status, codes]) => [status, refusalOf(status, codes)]));
  }

  #refusal(status: number, codes: ReadonlySet<ErrorCode>): Reference | ResponseObject {
    const sorted = [...codes].sort();
    if (sorted.length > 3) return refusal(status, sorted); // its name would be a sentence
    const name = sorted.map(pascalCase).join("Or");
    this.#made[name] ??= refusal(status, sorted);
    return { $ref: `#/components/responses/${name}` };
  }
}

// Who passes over what stands beside a reference still has the body's form.
const ownBody = (codes: readonly ErrorCode[]): JsonSchema => ({
  $ref: "#/components/schemas/Error",
  properties: { error: { enum: [...codes] } },
});

function refusal(status: number, codes: readonly ErrorCode[], schema = ownBody(codes)): ResponseObject {
  const comesBack = status === 429 || status === 503;
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].when}`).join("\n\n"),
    headers: headers("X-Request-Id", ...(comesBack ? (["Retry-After"] as const) : [])),
    content: { "application/json": { schema } },
  };
}

/** The answer of a route that did what it was asked. */
export function successOf(route: Route, schemas: Schemas): ResponseObject {
  const isText = route.response instanceof z.ZodString;
  const ownHeaders = Object.fromEntries(
    Object.entries(route.answerHeaders ?? {}).map(([name, description]): [string, HeaderObject] => [
      name,
      { description, schema: { type: "string" } },
    ]),
  );
  const content = {
    ...(route.response instanceof z.ZodUndefined
      ? {}
      : { [isText ? "text/plain" : "application/json"]: { schema: schemas.of(route.response, "output") } }),
    ...(route.stream === undefined
      ? {}
      : { "text/event-stream": { schema: schemas.of(route.stream, "output") } }),
  };
  return {
    description: describe(route),
    headers: { ...headers("X-Request-Id"), ...ownHeaders },
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function describe({ stream, errorForm, response }: Route): string {
  if (stream === undefined) return "Done.";
  if (response instanceof z.ZodUndefined)
    return "Server-sent events: `id` is the event's `seq`, and `data` is JSON of this schema.";
  return errorForm === undefined
    ? "JSON; or server-sent events: `id` is the event's `seq`, `event` its type, and `data` is JSON of this schema."
    : "JSON; or server-sent events, as that API writes them: `data` is JSON of this schema.";
}
