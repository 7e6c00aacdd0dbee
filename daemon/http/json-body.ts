/** Bodies: JSON objects, of a bounded size and of a bounded number of values. */
import express, { type Express, type Request, type RequestHandler } from "express";
import { KartaError } from "../../shared/errors.ts";
import { bodyTooLarge } from "./error-boundary.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

/** Objects, lists and values in one body. No route has a use for more, and checking a million fields takes seconds. */
const MAX_VALUES = 5000;

/** How an app's routes read their bodies. */
interface BodyReader {
  readonly maxBytes: number;
  readonly read: RequestHandler;
}

function bodyReader(maxBytes: number): BodyReader {
  return { maxBytes, read: express.json({ limit: maxBytes, strict: false, type: () => true }) };
}

const defaultReader = bodyReader(DEFAULT_LIMITS.max_body_bytes);
const readers = new WeakMap<object, BodyReader>();
const readerOf = (request: Request): BodyReader => readers.get(request.app) ?? defaultReader;

/** Larger bodies are refused by every route of this app. */
export function limitBodies(app: Express, maxBytes: number): void {
  readers.set(app, bodyReader(maxBytes));
}

/** Refuses a body that is not JSON, or that says itself that it is too large: the reader would hear all of it out first. */
export const requireJson: RequestHandler = (request, _response, next) => {
  const length = Number(request.headers["content-length"] ?? 0);
  const { maxBytes } = readerOf(request);
  if (length > maxBytes) throw bodyTooLarge(maxBytes);
  const hasBody = request.headers["transfer-encoding"] !== undefined || length > 0;
  if (hasBody && request.is(["application/json", "application/*+json"]) === false) {
    throw new KartaError(
      "unsupported_media_type",
      `expected Content-Type: application/json, found ${request.headers["content-type"] ?? "none"}`,
    );
  }
  const charset = charsetsIn(request.headers["content-type"]).find((name) => !/^utf-?8$/i.test(name));
  if (hasBody && charset !== undefined)
    throw new KartaError("unsupported_media_type", `expected charset=utf-8, found ${charset.toUpperCase()}`);
  next();
};

/** JSON is UTF-8 (RFC 8259, 8.1). The reader would undo UTF-7 too, in which a text hides from whoever looks at its bytes. */
function charsetsIn(contentType = ""): string[] {
  return [...contentType.matchAll(/;\s*charset\s*=\s*"?([^\s";]+)/gi)].flatMap(([, name]) => name ?? []);
}

/** Reads the body into `request.body`. */
export const readJson: RequestHandler = (request, response, next) =>
  readerOf(request).read(request, response, next);

/**
 * A request without a body is `{}` where one is expected.
 * @throws KartaError `invalid_json` when the body is JSON but not an object, `invalid_request` for too many values, and for `__proto__`
 */
export function objectOf(body: unknown): object {
  if (body === undefined) return {};
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    requireHarmless(body);
    return body;
  }
  const found = body === null ? "null" : Array.isArray(body) ? "an array" : `a ${typeof body}`;
  throw new KartaError("invalid_json", `expected the body to be a JSON object, found ${found}`);
}

/** Also refuses the one key that some code takes for an object's prototype, and that a record passes over without a word. */
function requireHarmless(body: object): void {
  const rest: { readonly path: string; readonly part: object }[] = [{ path: "", part: body }];
  let values = 0;
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { path, part } = next;
    if (Object.hasOwn(part, "__proto__")) throw invalid(path, "__proto__ cannot be a key");
    const inside: [string, unknown][] = Object.entries(part);
    values += inside.length;
    if (values > MAX_VALUES)
      throw invalid("", `expected at most ${MAX_VALUES} values in one body, found more`);
    for (const [name, value] of inside) {
      if (typeof value === "object" && value !== null)
        rest.push({ path: path === "" ? name : `${path}.${name}`, part: value });
    }
  }
}

function invalid(path: string, message: string): KartaError {
  return new KartaError("invalid_request", path === "" ? message : `${path}: ${message}`, {
    issues: [{ path, message }],
  });
}
