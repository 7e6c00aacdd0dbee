/**
 * Who may be at the other end of the control socket. Node cannot ask the system (SO_PEERCRED), so what let them in is
 * looked at when they come: at a socket of mode 0600 that was only the owner, or root. A socket that was opened to others,
 * by hand say, lets nobody in as the operator and is closed again.
 */
import { chmodSync, lstatSync } from "node:fs";
import type { RequestHandler } from "express";
import type { Server, Socket } from "node:net";
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";

/** Those that came while others than the owner could have. */
const strangers = new WeakSet<Socket>();

/** Looks at the socket's mode with each connection. Call it before the server listens. */
export function watchPeers(server: Server, socketPath: string): void {
  server.prependListener("connection", (client: Socket) => {
    if (closeAgain(socketPath)) strangers.add(client);
  });
}

/** @returns whether others than the owner may connect; no longer, if it is ours to say */
function closeAgain(socketPath: string): boolean {
  try {
    const { mode, uid } = lstatSync(socketPath);
    const isOurs = uid === (process.getuid?.() ?? uid);
    if (isOurs && (mode & 0o077) === 0) return false;
    if (isOurs) chmodSync(socketPath, 0o600);
    return true;
  } catch {
    return false; // its name is gone: nobody else can come by it
  }
}

/** @throws KartaError `forbidden` to a stranger, whatever they ask */
export function refuseStrangers(logger: Logger): RequestHandler {
  return (request, _response, next) => {
    if (!strangers.has(request.socket)) {
      next();
      return;
    }
    logger.warn(
      "the control socket was open to other users; it is closed again, and who came meanwhile is refused",
    );
    throw new KartaError(
      "forbidden",
      "the control socket was open to other users, so this may be one of them; it is closed again: ask once more",
    );
  };
}

/**
 * No page has a way here, unless somebody makes one (a port that is forwarded to the socket). It is no operator then.
 * @throws KartaError `origin_not_allowed`
 */
export const refusePages: RequestHandler = ({ headers }, _response, next) => {
  if (headers.origin !== undefined || headers["sec-fetch-site"] !== undefined)
    throw new KartaError(
      "origin_not_allowed",
      "web pages may not use the control socket; they have the HTTP port",
    );
  next();
};
