/** Where the two planes listen: on sockets of kartad's own, or on those that a service manager handed over. */
import type { Server } from "node:http";
import type { Config } from "./config.ts";
import { closeFolder, listenOnSocket, prepareSocket } from "./control/socket.ts";
import { listenOnPort } from "./http/listen.ts";
import type { WebSockets } from "./http/websocket.ts";
import { adoptControlSocket, adoptHttpSocket } from "./socket-activation.ts";

type Place = Pick<Config, "host" | "port" | "socketPath" | "inherited">;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Makes room for the control socket before anything else is started. @throws SocketLiveError, NotASocketError */
export async function prepareControl({ socketPath, inherited }: Place): Promise<void> {
  // One that was handed over listens already: whoever connects to it now waits for us.
  if (inherited.control === null) await prepareSocket(socketPath);
}

/** @returns the public plane's base URL. @throws PortTakenError, InheritedSocketError */
export async function listenPublic(server: Server, place: Place): Promise<string> {
  const { inherited } = place;
  const { host, port } =
    inherited.http === null
      ? { host: place.host, port: await listenOnPort(server, place.host, place.port) }
      : await adoptHttpSocket(server, inherited.http, { host: place.host, isLoopback });
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** @throws InheritedSocketError */
export async function listenControl(server: Server, { socketPath, inherited }: Place): Promise<void> {
  if (inherited.control === null) await listenOnSocket(server, socketPath);
  else {
    await adoptControlSocket(server, inherited.control, socketPath);
    await closeFolder(socketPath);
  }
}

/** Takes no more connections, lets answers that are being written finish for a moment, then closes the rest. */
export function closeServer(server: Server, sockets: WebSockets): Promise<void> {
  return new Promise((resolve) => {
    sockets.close();
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 250).unref();
  });
}
