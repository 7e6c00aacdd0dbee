/** Starts an HTTP server with the limits that keep a slow or broken client from holding it. */
import { createServer, type RequestListener, type Server } from "node:http";
import { asksForWebSocket } from "./websocket.ts";

/** The address is in use by another program. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/** A request's headers and body must arrive within these; answers may take as long as a turn does. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 2048;

export function createHttpServer(listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      noDelay: true,
      shouldUpgradeCallback: asksForWebSocket,
    },
    listener,
  );
  server.maxConnections = MAX_CONNECTIONS;
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
