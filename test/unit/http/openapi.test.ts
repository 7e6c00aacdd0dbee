/** `/openapi.json`: what a public validator, a code generator and a reader find in it. */
import { describe, expect, test } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import { z } from "zod";
import { publicApp } from "../../../daemon/http/app.ts";
import { openApiDocument } from "../../../daemon/http/openapi/document.ts";
import { httpBench, publicOptions, rawRequest } from "../../support/http.ts";
import { spawnerForTests } from "../apps/temp-project.ts";

const bench = await httpBench(spawnerForTests());
const document = openApiDocument("0.0.0");
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

/** An express router's insides, as far as they are looked at. */
const LayerSchema = z.looseObject({
  route: z.looseObject({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).optional(),
  handle: z.unknown(),
});
const RouterSchema = z.custom<{ readonly stack: readonly unknown[] }>(
  (value) => typeof value === "function" && "stack" in value,
);

/** `METHOD /path` of every route below, its mount point left out. */
function routesOf(router: unknown): string[] {
  return RouterSchema.parse(router).stack.flatMap((layer) => {
    const { route, handle } = LayerSchema.parse(layer);
    if (route !== undefined) return Object.keys(route.methods).map((method) => `${method} ${route.path}`);
    return RouterSchema.safeParse(handle).success ? routesOf(handle) : [];
  });
}

/** Every reference in the document. */
function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    key === "$ref" ? [String(part)] : referencesIn(part),
  );
}

function resolve(reference: string): unknown {
  return reference
    .slice("#/".length)
    .split("/")
    .reduce<unknown>((place, key) => z.record(z.string(), z.unknown()).parse(place)[key], document);
}

describe("the document", () => {
  test("is what the route answers", async () => {
    const { status, headers, body } = await rawRequest(bench.port, "GET", "/openapi.json");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(JSON.parse(body)).toEqual(JSON.parse(JSON.stringify(document)));
  });

  test("passes a public validator as OpenAPI 3.1", async () => {
    const validator = new Validator();
    const plain = z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(document)));
    expect(await validator.validate(plain)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("has every route that is mounted, and no other", () => {
    const mounted = new Set(routesOf(publicApp(publicOptions(bench)).router));
    const described = operations.map(({ path, method }) => {
      const relative = path.replace(/^\/v1(\/projects\/\{ref\})?/, "");
      return `${method} ${relative.replace(/\{(\w+)\}/g, ":$1")}`;
    });
    expect(mounted.size).toBeGreaterThan(10);
    expect([...mounted].sort()).toEqual([...new Set(described)].sort());
  });

  test("has both families whole, and no operation's id twice", () => {
    const flat = operations.filter(({ path }) => path.startsWith("/v1/sessions"));
    const ofProject = operations.filter(({ path }) => path.startsWith("/v1/projects/{ref}/sessions"));
    expect(ofProject).toHaveLength(flat.length);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("refers to nothing that is not there, and names every component once", () => {
    const references = new Set(referencesIn(document));
    for (const reference of references) expect([reference, resolve(reference)]).not.toContain(undefined);
    const named = Object.keys(document.components.schemas);
    expect(named).toEqual(expect.arrayContaining(["Session", "SessionEvent", "Error", "TurnResult"]));
    for (const name of named) expect(references).toContain(`#/components/schemas/${name}`);
    expect(JSON.stringify(document)).not.toContain("$defs");
  });

  test("tells events apart by their type", () => {
    const { SessionEvent } = document.components.schemas;
    expect(SessionEvent?.oneOf).toHaveLength(13);
    expect(SessionEvent?.discriminator).toMatchObject({
      propertyName: "type",
      mapping: { text: "#/components/schemas/TextEvent", done: "#/components/schemas/DoneEvent" },
    });
  });

  test("says of a stream what its events are, of every 429 and 503 when to come back", () => {
    for (const id of ["sendMessage", "events", "resolveInputInProject"]) {
      const operation = operations.find((one) => one.operation.operationId === id)?.operation;
      const success = operation?.responses["200"];
      expect(success).toMatchObject({
        content: { "text/event-stream": { schema: { $ref: "#/components/schemas/StreamFrame" } } },
      });
    }
    for (const { operation } of operations) {
      for (const status of ["429", "503"]) {
        const response = operation.responses[status];
        const whole = response !== undefined && "$ref" in response ? resolve(response.$ref) : response;
        expect(whole).toMatchObject({ headers: { "Retry-After": {} } });
      }
    }
  });

  test("says which headers a route reads", () => {
    const headersOf = (id: string) =>
      operations
        .find((one) => one.operation.operationId === id)
        ?.operation.parameters.flatMap((parameter) => (parameter.in === "header" ? parameter.name : []));
    expect(headersOf("createSession")).toEqual(["Idempotency-Key"]);
    expect(headersOf("eventsInProject")).toEqual(["Last-Event-ID"]);
  });
});
