/** Starts an HTTP server with the limits that keep a slow, broken or greedy client from holding it. */
import { createServer, type RequestListener, type Server } from "node:http";
import { answerBrokenRequests } from "./broken-requests.ts";
import { Connections } from "./connections.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { refuseOnSocket } from "./raw-answer.ts";

/** The address is in use by another program. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/** How often Node looks for connections that are out of time. */
const CHECK_MS = 1000;

export function createHttpServer(listener: RequestListener, limits: Limits = DEFAULT_LIMITS): Server {
  const server = createServer({
    noDelay: true,
    maxHeaderSize: limits.max_header_bytes,
    headersTimeout: limits.headers_timeout_seconds * 1000,
    requestTimeout: limits.request_timeout_seconds * 1000,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: limits.keep_alive_seconds * 1000,
    requireHostHeader: false, // Node's refusal has no body; the Host guard's has
  });
  const connections = new Connections(server, limits.max_connections);
  answerBrokenRequests(server, limits);
  // Without the second, Node answers an expectation it does not know with an empty 417; it may be passed over (RFC 9110).
  for (const event of ["request", "checkExpectation"]) {
    server.on(event, (...[request, response]: Parameters<RequestListener>) => {
      const refusal = connections.refuses(request.socket);
      if (refusal === null) listener(request, response);
      else refuseOnSocket(request.socket, refusal);
    });
  }
  return server;
}

/** @returns the port, as bound. @throws PortTakenError */
export function listenOnPort(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") reject(error);
      else
        reject(
          new PortTakenError(`${host}:${port} is in use by another program; choose another with --port`),
        );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
