/** The world's plane asks who is there: reads a request's credential, and lets in whom it proves. */
import type { Request, RequestHandler } from "express";
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import { embedRoutes } from "../../shared/protocol/tokens.ts";
import { healthRoutes } from "../../shared/protocol/health.ts";
import type { Authenticator } from "../keys/authenticator.ts";
import { OpenAnswers } from "./open-answers.ts";
import { setPrincipal } from "./principals.ts";
import type { RequestRate } from "./request-rate.ts";
import { BEARER_PROTOCOL, upgradeOf } from "./websocket.ts";

export interface AuthenticationOptions {
  readonly authenticator: Authenticator;
  /** How many bad credentials an address may present. */
  readonly failures: RequestRate;
  readonly logger: Logger;
}

/** These paths are for anybody, with or without a slash at the end. */
const PUBLIC_PATHS: ReadonlySet<string> = new Set([
  ...Object.values(healthRoutes).flatMap(({ access, path }) => (access === "public" ? path : [])),
  `/v1${embedRoutes.createEmbedToken.path}`,
]);

/** Every later step finds the principal with `principalOf`. @throws KartaError `unauthorized`, `rate_limited` */
export function authentication({ authenticator, failures, logger }: AuthenticationOptions): RequestHandler {
  const open = new OpenAnswers(() => Date.now());
  authenticator.keys.onRevoked((keyId) => open.cutOf(keyId));
  return async (request, response, next) => {
    if (PUBLIC_PATHS.has(request.path.replace(/\/$/, ""))) {
      next();
      return;
    }
    const credential = credentialOf(request);
    try {
      const principal = await authenticator.authenticate(credential);
      setPrincipal(request, principal);
      open.hold(principal, request, response);
    } catch (error) {
      if (!(error instanceof KartaError)) throw error;
      response.setHeader("WWW-Authenticate", "Bearer");
      if (credential !== null) {
        logger.debug(
          { address: request.socket.remoteAddress, why: error.message },
          "a credential was refused",
        );
        noteFailure(request, failures);
      }
      throw error;
    }
    next();
  };
}

/** Counts a bad credential. @throws KartaError `rate_limited` for an address that presents too many */
export function noteFailure(request: Request, failures: RequestRate): void {
  const address = request.socket.remoteAddress; // undefined: gone already, nobody reads the answer
  if (address !== undefined) failures.admit(address);
}

/**
 * `Authorization: Bearer`, or `x-api-key`, which Anthropic's clients send. A browser's WebSocket can set neither: it offers
 * the protocol `karta.bearer.CREDENTIAL`. Never the URL, which proxies log.
 */
function credentialOf(request: Request): string | null {
  const { authorization } = request.headers;
  const bearer = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const apiKey = request.headers["x-api-key"];
  if (typeof apiKey === "string") return apiKey.trim();
  if (upgradeOf(request) === null) return null;
  const offered = (request.headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((protocol) => protocol.trim());
  return (
    offered.find((protocol) => protocol.startsWith(BEARER_PROTOCOL))?.slice(BEARER_PROTOCOL.length) ?? null
  );
}
