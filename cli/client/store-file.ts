/** The store's bytes over the control socket: out of kartad, and into it. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isFailure, readError, readJson } from "../../shared/client/errors.ts";
import { connectionError, requireOwnSocket, socketAnswer } from "../../shared/client/socket-transport.ts";
import { RestoredSchema, STORE_TYPE, type Restored } from "../../shared/protocol/control.ts";
import type { Route } from "../../shared/protocol/route.ts";
import { explained } from "./errors.ts";
import { routes } from "./routes.ts";

/**
 * Writes a copy of the store to `target`, and ends it.
 * @throws NoDaemonError, WentAwayError (also for a copy that is cut short), KartaError; the target's own error
 */
export async function downloadStore(socket: string, target: Writable): Promise<void> {
  const response = await ask(socket, routes.backup, null);
  // node:http ends a body that is shorter than its Content-Length with an error.
  await pipeline(response, target);
}

/** Hands kartad a backup, which it checks. @throws KartaError `invalid_backup`; NoDaemonError, WentAwayError */
export async function uploadStore(socket: string, source: Readable): Promise<Restored> {
  const response = await ask(socket, routes.restore, source);
  return RestoredSchema.parse(await readJson(socketAnswer(response, socket)));
}

async function ask(
  socket: string,
  route: Pick<Route, "method" | "path">,
  body: Readable | null,
): Promise<IncomingMessage> {
  try {
    requireOwnSocket(socket);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({
        socketPath: socket,
        method: route.method,
        path: route.path,
        agent: false,
        headers: body === null ? {} : { "content-type": STORE_TYPE },
      });
      request.once("response", resolve);
      request.on("error", (error) => reject(connectionError(socket, error)));
      if (body === null) request.end();
      else {
        body.on("error", (error) => request.destroy(error));
        body.pipe(request);
      }
    });
    const answer = socketAnswer(response, socket);
    if (isFailure(answer)) throw await readError(answer);
    return response;
  } catch (error) {
    throw explained(socket, error);
  }
}
