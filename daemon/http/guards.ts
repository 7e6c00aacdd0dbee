/**
 * Which pages may speak to the public plane. On loopback without keys any local program may, but no web page: a page the
 * operator visits must not be able to drive agents, by its own origin or by a name that it made point at 127.0.0.1.
 */
import type { Request, RequestHandler } from "express";
import { KartaError } from "../../shared/errors.ts";
import { SESSION_HEADER } from "../../shared/protocol/adapters/headers.ts";
import { TURN_HEADER } from "../../shared/protocol/sessions.ts";

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Node keeps the first of several, a proxy in front may go by the last: what it let through would not be what is served. */
const ONLY_ONCE: ReadonlySet<string> = new Set(["host", "authorization", "content-type"]);

/**
 * Refuses what two servers could read differently, as far as Node itself does not: then the connection is closed too.
 * @throws KartaError `bad_request` for a header that may be there once and comes again, and for codings that nobody undoes
 */
export const refuseAmbiguity: RequestHandler = ({ rawHeaders, headers }, response, next) => {
  const refuse = (detail: string): KartaError => {
    response.setHeader("Connection", "close");
    return new KartaError("bad_request", detail);
  };
  const seen = new Set<string>();
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place]?.toLowerCase() ?? "";
    if (!ONLY_ONCE.has(name)) continue;
    if (seen.has(name)) throw refuse(`expected one ${name} header, found more`);
    seen.add(name);
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    throw refuse(`expected Transfer-Encoding: chunked, found ${coding}`);
  next();
};

/** A request line that names a whole URL means its host, whatever the header says (RFC 9112, 3.2.2). */
function hostOf({ originalUrl, headers }: Request): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(originalUrl)?.[1] ?? headers.host;
}

/** `localhost:8000` → `localhost`; null for what is not a host at all. */
function hostName(header: string | undefined): string | null {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s/@]+)(?::\d{1,5})?$/.exec(header ?? "");
  return match?.[1]?.toLowerCase() ?? null;
}

/**
 * Refuses a request whose Host is not a name of this machine's loopback (DNS rebinding).
 * @param isOpen false: a credential is wanted, which no such page has; then the Host may be a proxy's
 */
export function requireLoopbackHost(isOpen: () => boolean): RequestHandler {
  return (request, _response, next) => {
    const host = hostName(hostOf(request));
    if (isOpen() && (host === null || !LOOPBACK_HOSTS.has(host))) {
      throw new KartaError("origin_not_allowed", "the Host header is not localhost, 127.0.0.1 or [::1]");
    }
    next();
  };
}

const OUR_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "Last-Event-ID",
  "X-Api-Key",
  SESSION_HEADER,
];

/** What OpenAI's and Anthropic's clients say of themselves with each request, also from a browser. */
const SDK_HEADER = /^(x-stainless|openai|anthropic)-[a-z-]{1,60}$/;

/** Those of a preflight's headers that are an SDK's. */
function sdkHeaders(asked = ""): string[] {
  return asked
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => SDK_HEADER.test(name));
}

const looked = new WeakSet<Request>();

/**
 * Refuses a browser origin that may not call this path, and answers the preflight of one that may. Of several guards on a
 * request's way the first has its say.
 * @param allows whether a page of this origin, as browsers write it, may send this request
 */
export function originGuard(allows: (origin: string, request: Request) => boolean): RequestHandler {
  return (request, response, next) => {
    if (looked.has(request)) {
      next();
      return;
    }
    looked.add(request);
    response.setHeader("Vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined) {
      // No Origin, yet sent by a page of another site: an <img> or <script> that points here.
      const site = request.headers["sec-fetch-site"];
      if (site === "cross-site" || site === "same-site") throw refused();
      next();
      return;
    }
    if (!allows(origin, request)) throw refused();
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Access-Control-Expose-Headers", `Retry-After, ${TURN_HEADER}, ${SESSION_HEADER}`);
    if (request.method === "OPTIONS") {
      response.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
      response.setHeader(
        "Access-Control-Allow-Headers",
        [...OUR_HEADERS, ...sdkHeaders(request.headers["access-control-request-headers"])].join(", "),
      );
      response.setHeader("Access-Control-Max-Age", "600");
      response.status(204).end();
      return;
    }
    next();
  };
}

/** Refuses a path and query that are longer than any of ours. */
export function limitUrl(maxBytes: number): RequestHandler {
  return (request, _response, next) => {
    if (request.url.length > maxBytes) {
      throw new KartaError("url_too_long", `the URL is over the limit of ${maxBytes} bytes`, {
        fields: { limit_bytes: maxBytes },
      });
    }
    next();
  };
}

function refused(): KartaError {
  return new KartaError(
    "origin_not_allowed",
    "browser pages of this origin may not call this; let the page's own server do it, or add the origin to allowed_origins in kartad.toml, or for one project to [http] in its karta.toml",
  );
}
