/** `/openapi.json` → requests: some as it says, some with one thing wrong, some with many. */
import fc from "fast-check";
import { z } from "zod";
import type { OpenApiDocument, Operation } from "../../../daemon/http/openapi/document.ts";
import type { Parameter } from "../../../daemon/http/openapi/parameters.ts";
import type { JsonSchema } from "../../../daemon/http/openapi/schemas.ts";
import {
  arbitraryOf,
  inputToken,
  modelName,
  responseToken,
  sessionToken,
  wild,
  wildString,
} from "./values.ts";

export interface FuzzRequest {
  /** The place in the document that it is about: `post /v1/sessions`. */
  readonly about: string;
  readonly method: string;
  /** With its query; ids are tokens. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

/** Mostly as it should be. */
function mostly<T>(fits: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fits }, { weight: 1, arbitrary: odd });
}

/** `encodeURIComponent` throws on half a character. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

const oddPathPart = fc.oneof(
  wildString.map(encoded),
  fc.constantFrom(
    "%",
    "%E0%A4%A",
    "%00",
    ".",
    "..",
    "...",
    "a%2Fb",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2E%2E%5C",
    "%c0%ae%c0%ae",
    "%252e%252e%252f",
    "a%0d%0aX-Injected:1",
    "__proto__",
    "constructor",
    "sess_000000000000000000000000",
    "x".repeat(900),
  ),
);

const IN_PATHS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  ref: mostly(fc.constant("bot"), fc.constant("other"), 6),
  id: sessionToken,
  conversation_id: sessionToken,
  response_id: responseToken,
  request_id: inputToken,
  model: modelName,
  agent: modelName,
  environment: modelName,
};

const PROJECT_FAMILY = "/v1/projects/{ref}";

function pathOf(template: string): fc.Arbitrary<string> {
  const parts = template.split("/").map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name === undefined
      ? fc.constant(part)
      : mostly(IN_PATHS[name] ?? wildString.map(encoded), oddPathPart);
  });
  const plain = fc.tuple(...parts).map((all) => all.join("/"));
  const local = (path: string): string => path.replace(/^\/v1\/projects\/([^/]*)/, "/local/$1/v1");
  const path = template.startsWith(PROJECT_FAMILY) ? mostly(plain, plain.map(local), 3) : plain;
  const odd = path.chain((whole) =>
    fc.constantFrom(`${whole}/`, `/${whole}`, `${whole}/more`, whole.toUpperCase()),
  );
  return mostly(path, odd, 30);
}

/** `name=value`, or several, or none. */
function queryPart(
  { name, schema }: Parameter,
  resolve: (ref: string) => JsonSchema,
): fc.Arbitrary<string[]> {
  const pair = (key: string, value: unknown): string => `${encoded(key)}=${encoded(String(value))}`;
  const metadata = fc
    .tuple(mostly(fc.constantFrom("a", "b"), wildString), wildString)
    .map(([key, value]) => [pair(`metadata.${key}`, value)]);
  const fits =
    schema.patternProperties === undefined
      ? arbitraryOf(schema, resolve).map((value) => [pair(name, value)])
      : metadata;
  const odd = fc.array(
    wildString.map((value) => pair(name, value)),
    { maxLength: 3 },
  );
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>([]) },
    { weight: 2, arbitrary: mostly(fits, odd, 4) },
  );
}

/** What a header may carry at all. */
const headerText = fc
  .string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
  })
  .map((text) => text.trim());

const ODD_HEADERS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  Accept: fc.constantFrom("*/*", "text/html", "application/xml", "text/event-stream", "nonsense"),
  "Accept-Encoding": fc.constantFrom("gzip", "br;q=0", "identity;q=0, *;q=0"),
  "Content-Encoding": fc.constantFrom("gzip", "br", "identity", "zip"),
  "Content-Type": fc.oneof(
    fc.constantFrom(
      "text/plain",
      "application/json; charset=utf-16",
      "application/json; charset=ebcdic",
      'a/b; q="',
      "application/merge-patch+json",
      "multipart/form-data; boundary=x",
      "application/x-www-form-urlencoded",
      "application/octet-stream",
    ),
    headerText,
  ),
  Cookie: headerText,
  Expect: fc.constantFrom("100-continue", "more"),
  Host: fc.constantFrom("localhost", "evil.example", "127.0.0.1:1", "[::1]", "a b"),
  "If-None-Match": fc.constant("*"),
  Origin: fc.oneof(fc.constantFrom("null", "https://shop.example", "https://evil.example"), headerText),
  Range: fc.constantFrom("bytes=0-0", "bytes=9-1"),
  "Sec-Fetch-Site": fc.constantFrom("cross-site", "none"),
  "Transfer-Encoding": fc.constant("chunked"),
  "X-HTTP-Method-Override": fc.constant("DELETE"),
  "X-Forwarded-For": headerText,
};

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

function headersOf(
  operation: Operation,
  resolve: (ref: string) => JsonSchema,
): fc.Arbitrary<Record<string, string>> {
  const declared = operation.parameters.filter((parameter) => parameter.in === "header");
  const fields = declared.map(({ name, schema }): [string, fc.Arbitrary<string>] => [
    name,
    mostly(arbitraryOf(schema, resolve).map(String), headerText, 4),
  ]);
  const rare = fc.record(ODD_HEADERS, { requiredKeys: [] });
  const oddOne = fc
    .tuple(fc.constantFrom(...Object.keys(ODD_HEADERS)), rare)
    .map(([name, all]) => (all[name] === undefined ? {} : { [name]: all[name] }));
  const odd = fc.oneof(
    { weight: 8, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: oddOne },
    { weight: 1, arbitrary: fc.constant(UPGRADE) },
    { weight: 1, arbitrary: rare },
  );
  return fc.tuple(fc.record(Object.fromEntries(fields), { requiredKeys: [] }), odd).map(([own, more]) => ({
    ...(operation.requestBody === undefined ? {} : { "Content-Type": "application/json" }),
    ...own,
    ...more,
  }));
}

const fieldsOf = (value: unknown): Record<string, unknown> => z.record(z.string(), z.unknown()).parse(value);

function bodyOf(
  operation: Operation,
  resolve: (ref: string) => JsonSchema,
): fc.Arbitrary<string | Uint8Array | null> {
  const schema = operation.requestBody?.content["application/json"].schema;
  if (schema === undefined)
    return mostly(
      fc.constant(null),
      wild.map((value) => JSON.stringify(value)),
    );
  const fits = arbitraryOf(schema, resolve);
  const text = fits.map((value) => JSON.stringify(value));
  const spoiled = fc
    .tuple(
      fits,
      fc.oneof(wildString, fc.constantFrom("text", "stream", "metadata", "decision", "agent")),
      wild,
    )
    .map(([value, name, oddValue]) => JSON.stringify({ ...fieldsOf(value), [name]: oddValue }));
  const lacking = fits.chain((value) =>
    fc.subarray(Object.entries(fieldsOf(value))).map((kept) => JSON.stringify(Object.fromEntries(kept))),
  );
  return fc.oneof(
    { weight: 10, arbitrary: text },
    { weight: 4, arbitrary: spoiled },
    { weight: 2, arbitrary: lacking },
    { weight: 1, arbitrary: wild.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: text.chain((whole) => fc.nat(whole.length).map((at) => whole.slice(0, at))) },
    {
      weight: 1,
      arbitrary: text.map((whole) => whole.replace("{", '{"__proto__":{"x":1},"a":1e999,"a":2,')),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
    { weight: 1, arbitrary: text.map(asFormFile) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

/** What a browser's form would send. */
function asFormFile(text: string): string {
  const head =
    'Content-Disposition: form-data; name="file"; filename="../a.json"\r\nContent-Type: application/json';
  return `--x\r\n${head}\r\n\r\n${text}\r\n--x--\r\n`;
}

function requestFor(
  place: { readonly template: string; readonly method: string; readonly operation: Operation },
  resolve: (ref: string) => JsonSchema,
): fc.Arbitrary<FuzzRequest> {
  const { template, method, operation } = place;
  const query = operation.parameters.filter((parameter) => parameter.in === "query");
  const oddMethod = fc.constantFrom(
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PURGE",
  );
  return fc
    .record({
      method: mostly(fc.constant(method.toUpperCase()), oddMethod, 15),
      path: pathOf(template),
      query: fc.tuple(...query.map((parameter) => queryPart(parameter, resolve))),
      stray: mostly(
        fc.constant(""),
        wildString.map((text) => encoded(text)),
        20,
      ),
      headers: headersOf(operation, resolve),
      body: bodyOf(operation, resolve),
    })
    .map(({ path, query: parts, stray, ...rest }) => {
      const text = [...parts.flat(), ...(stray === "" ? [] : [stray])].join("&");
      return { ...rest, about: `${method} ${template}`, path: text === "" ? path : `${path}?${text}` };
    });
}

/** Turns make what the rest is about; as many deletes would leave nothing to look at. */
const WEIGHTS: Readonly<Record<string, number>> = { post: 6, put: 4, patch: 4, get: 2, delete: 1 };

/** The same with a credential. @param good names of those that open something @param bad of the rest */
export function withCredentials(
  requests: fc.Arbitrary<FuzzRequest>,
  good: readonly string[],
  bad: readonly string[],
): fc.Arbitrary<FuzzRequest & { readonly credential: string }> {
  return fc
    .tuple(requests, mostly(fc.constantFrom(...good), fc.constantFrom(...bad), 6))
    .map(([request, credential]) => ({ ...request, credential }));
}

/** Any request that the document has, and its neighbours that it has not. */
export function requestsOf(document: OpenApiDocument): fc.Arbitrary<FuzzRequest> {
  const resolve = (ref: string): JsonSchema =>
    document.components.schemas[ref.replace("#/components/schemas/", "")] ?? {};
  const places = Object.entries(document.paths).flatMap(([template, item]) =>
    Object.entries(item).map(([method, operation]) => ({ template, method, operation })),
  );
  return fc.oneof(
    ...places.map((place) => ({ weight: WEIGHTS[place.method] ?? 1, arbitrary: requestFor(place, resolve) })),
  );
}
