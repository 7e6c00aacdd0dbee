/** `/openapi.json` as tests hold answers against it: which operation a request is for, and whether its answer is described. */
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { z } from "zod";
import {
  openApiDocument,
  type OpenApiDocument,
  type Operation,
} from "../../../daemon/http/openapi/document.ts";
import type { Reference, ResponseObject } from "../../../daemon/http/openapi/responses.ts";
import { ERRORS } from "../../../shared/errors.ts";
import { ADAPTER_ROUTES } from "../../../shared/protocol/adapters/routes.ts";

/** An answer without its body. */
export interface AnswerHead {
  readonly method: string;
  /** As it was asked for, with its query. */
  readonly path: string;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One server-sent event as it came. */
export interface Frame {
  readonly id?: string | undefined;
  readonly event?: string | undefined;
  readonly data: string;
}

const document: OpenApiDocument = openApiDocument("0.0.0");
const ajv = new Ajv2020({ strict: false });
formats.default(ajv);
ajv.addSchema(schemaOf({ components: document.components }), "document");

/** Answers may grow fields for clients to pass over; kartad's own tests allow none that is not declared. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, closed(part)]));
  const isOpen = "properties" in copy && !("additionalProperties" in copy) && !("$ref" in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}

function schemaOf(value: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(closed(value));
}

const compiled = new Map<string, ValidateFunction>();

/** Why a value is not as the schema says; null when it is. */
function mismatch(schema: object, value: unknown): string | null {
  const text = JSON.stringify(schema).replaceAll("#/components/", "document#/components/");
  const validate = compiled.get(text) ?? ajv.compile(schemaOf(JSON.parse(text)));
  compiled.set(text, validate);
  if (validate(value)) return null;
  return `${ajv.errorsText(validate.errors)}: ${JSON.stringify(value).slice(0, 500)}`;
}

mismatch({ $ref: "#/components/schemas/StreamFrame" }, null); // compiled now: a stream's first frame is not to wait for it

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
    operation,
  })),
);

/** Null: the document has no such route, so its answer can only be a refusal. */
export function operationFor({ method, path }: Pick<AnswerHead, "method" | "path">): Operation | null {
  const bare = (path.split("?")[0] ?? "").replace(/^\/local\/([^/]+)\/v1\//, "/v1/projects/$1/");
  const asked = method === "HEAD" ? "GET" : method;
  return (
    operations.find((one) => one.method === asked && one.pattern.test(bare.replace(/\/$/, "")))?.operation ??
    null
  );
}

function responseOf(operation: Operation, status: number): ResponseObject | null {
  const found: ResponseObject | Reference | undefined = operation.responses[status];
  if (found === undefined) return null;
  if (!("$ref" in found)) return found;
  return document.components.responses[found.$ref.replace("#/components/responses/", "")] ?? null;
}

/** Of a route that is not there: in the form of whatever API its path looks like. */
const ANY_REFUSAL = {
  anyOf: [
    { $ref: "#/components/schemas/Error", properties: { error: { enum: Object.keys(ERRORS) } } },
    ...ADAPTER_ROUTES.flatMap(({ routes }) =>
      Object.values(routes).flatMap(({ errorForm }) => errorForm?.body ?? []),
    ).map((body) => z.toJSONSchema(body, { target: "draft-2020-12" })),
  ],
};

/** What of an answer the document does not describe. @param body null where none is known: the client left before its end */
export function breaches(head: AnswerHead, body: string | null): string[] {
  const { method, status, headers } = head;
  const operation = operationFor(head);
  if (method === "OPTIONS" && status < 400) return []; // a preflight: CORS's own matter
  const response = operation === null ? refusalOf(status) : responseOf(operation, status);
  if (response === null) return [`status ${status} is not described`];
  const always = Object.entries(response.headers).flatMap(([name, header]) => ("$ref" in header ? name : []));
  const missing = always.filter((name) => headers[name.toLowerCase()] === undefined);
  const found = missing.map((name) => `the header ${name} is missing`);
  return method === "HEAD" || body === null ? found : [...found, ...contentBreaches(response, headers, body)];
}

function refusalOf(status: number): ResponseObject | null {
  if (status < 400) return null;
  return {
    description: "",
    headers: { "X-Request-Id": { $ref: "" } },
    content: { "application/json": { schema: ANY_REFUSAL } },
  };
}

function contentBreaches(
  { content }: ResponseObject,
  headers: Readonly<Record<string, string>>,
  body: string,
): string[] {
  if (content === undefined) return body === "" ? [] : [`expected no body, found ${body.slice(0, 200)}`];
  const type = headers["content-type"]?.split(";")[0] ?? "none";
  const schema = content[type]?.schema;
  if (schema === undefined)
    return [`content type ${type} is not described (${Object.keys(content).join(", ")})`];
  if (type === "text/event-stream") return [];
  const problem = mismatch(schema, type === "application/json" ? JSON.parse(body) : body);
  return problem === null ? [] : [problem];
}

/** What of one event of an answer's stream the document does not describe. */
export function frameBreaches(head: AnswerHead, { id, event, data }: Frame): string[] {
  const operation = operationFor(head);
  const schema =
    operation === null
      ? undefined
      : responseOf(operation, head.status)?.content?.["text/event-stream"]?.schema;
  if (schema === undefined) return ["a stream where none is described"];
  if (!isKartasOwn(operation)) return adapterFrameBreaches(schema, { id, event, data });
  const value: unknown = JSON.parse(data);
  const problem = mismatch(schema, value);
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const seq = typeof value === "object" && value !== null && "seq" in value ? String(value.seq) : undefined;
  return [
    ...(problem === null ? [] : [problem]),
    ...(type === event ? [] : [`event: ${event ?? "none"}, but its data says ${String(type)}`]),
    ...(seq === (id === "" ? undefined : id)
      ? []
      : [`id: ${id ?? "none"}, but its data says ${seq ?? "none"}`]),
  ];
}

const adapterTags = new Set(ADAPTER_ROUTES.flatMap(({ tag }) => [tag, `project ${tag}`]));

function isKartasOwn(operation: Operation | null): boolean {
  return operation?.tags.some((tag) => adapterTags.has(tag)) !== true;
}

/** An adapter's frames have no ids but the data's `seq`; a name, where there is one, is its type; OpenAI's last is no JSON. */
function adapterFrameBreaches(schema: object, { id, event, data }: Frame): string[] {
  if (data === "[DONE]") return [];
  const value: unknown = JSON.parse(data);
  const problem = mismatch(schema, value);
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const seq = typeof value === "object" && value !== null && "seq" in value ? String(value.seq) : undefined;
  return [
    ...(problem === null ? [] : [problem]),
    ...(id === undefined || id === "" || id === seq ? [] : [`an id where none is described: ${id}`]),
    ...(event === undefined || event === type ? [] : [`event: ${event}, but its data says ${String(type)}`]),
  ];
}
