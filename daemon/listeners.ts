/** Where the two planes listen: on sockets of kartad's own, or on those that a service manager handed over. */
import type { Server } from "node:http";
import { isLoopback, type Config } from "./config.ts";
import { watchPeers } from "./control/peers.ts";
import { closeFolder, listenOnSocket, prepareSocket } from "./control/socket.ts";
import { answerBrokenRequests } from "./http/broken-requests.ts";
import { DEFAULT_LIMITS } from "./http/limits.ts";
import { listenOnPort } from "./http/listen.ts";
import { adoptControlSocket, adoptHttpSocket } from "./socket-activation.ts";

type Place = Pick<Config, "host" | "port" | "socketPath" | "inherited">;

/**
 * Makes room for the control socket before anything else is started.
 * @throws SocketLiveError, NotASocketError, ForeignSocketError, UnsafeFolderError
 */
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

/** @throws InheritedSocketError, UnsafeFolderError */
export async function listenControl(server: Server, { socketPath, inherited }: Place): Promise<void> {
  watchPeers(server, socketPath);
  answerBrokenRequests(server, {
    ...DEFAULT_LIMITS, // Node's own bounds of a head are the same
    headers_timeout_seconds: server.headersTimeout / 1000,
    request_timeout_seconds: server.requestTimeout / 1000,
  });
  if (inherited.control === null) await listenOnSocket(server, socketPath);
  else {
    await adoptControlSocket(server, inherited.control, socketPath);
    await closeFolder(socketPath);
  }
}
