/** Starts an HTTP server with the limits that keep a slow, broken or greedy client from holding it. */
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { KartaError } from "../../shared/errors.ts";
import { answerBrokenRequests } from "./broken-requests.ts";
import { limitConnections } from "./connections.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { refuseOnSocket } from "./raw-answer.ts";
import { asksForWebSocket } from "./websocket.ts";

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
    shouldUpgradeCallback: asksForWebSocket,
    requireHostHeader: false, // Node's refusal has no body; the Host guard's has
  });
  server.on("request", listener);
  server.on("checkExpectation", listener); // else an expectation that Node does not know is an empty 417
  server.on("connect", (_request, socket) => {
    socket.on("error", () => undefined); // it is no longer Node's to watch; `close` follows
    refuseOnSocket(socket, new KartaError("bad_request", "kartad is no proxy: it has no CONNECT"));
  });
  server.on("request", (_request, response) => limitReading(response, limits.request_timeout_seconds * 1000));
  limitConnections(server, limits.max_connections);
  answerBrokenRequests(server, limits);
  return server;
}

/**
 * A whole answer of which nothing is read for so long is given up, and its connection with it; one that is read slowly is
 * not (Node's timer of a socket goes by the bytes that leave). A stream is not whole before its end: its reader is cut off
 * by how far it is behind.
 */
function limitReading(response: ServerResponse, milliseconds: number): void {
  response.once("prefinish", () => {
    response.setTimeout(milliseconds, () => response.destroy());
    // The timer is the socket's: it must be gone before Node gives the socket to the next answer, which may take a turn's time.
    response.prependOnceListener("finish", () => response.setTimeout(0));
  });
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
