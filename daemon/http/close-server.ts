/** The end of an HTTP server. */
import type { Server } from "node:http";
import type { WebSockets } from "./websocket.ts";

/** Takes no more connections, lets answers that are being written finish for a moment, then closes the rest. */
export function closeServer(server: Server, sockets: WebSockets): Promise<void> {
  return new Promise((resolve) => {
    sockets.close();
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 250).unref();
  });
}
