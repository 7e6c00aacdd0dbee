/** How many connections may be open. One beyond is told so when it asks for something, rather than closed without a word. */
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { RequestHandler } from "express";
import { KartaError } from "../../shared/errors.ts";

/** Connections that may wait for this answer; beyond, the system's own refusal must do. */
const HEADROOM = 256;

/** Those that came when there was no room. */
const beyond = new WeakMap<Duplex, Connections>();

/** Owner: its server. */
class Connections {
  readonly max: number;
  #open = 0;

  constructor(max: number) {
    this.max = max;
  }

  get isFull(): boolean {
    return this.#open > this.max;
  }

  add(socket: Duplex): void {
    this.#open += 1;
    socket.once("close", () => (this.#open -= 1));
    if (this.isFull) beyond.set(socket, this);
  }
}

export function limitConnections(server: Server, max: number): void {
  const connections = new Connections(max);
  server.maxConnections = max + HEADROOM;
  server.on("connection", (socket: Duplex) => {
    connections.add(socket);
    if (connections.isFull) server.closeIdleConnections(); // kept for a next request only: they make room first
  });
}

/** @throws KartaError `too_many_connections`; then the connection is closed */
export const requireRoom: RequestHandler = ({ socket }, response, next) => {
  const connections = beyond.get(socket);
  if (connections?.isFull === true) {
    response.setHeader("Connection", "close");
    throw new KartaError(
      "too_many_connections",
      `${connections.max} connections are open, which is the limit; close some, or raise max_connections in kartad.toml`,
      { retryAfterSeconds: 5 },
    );
  }
  beyond.delete(socket); // others have left meanwhile
  next();
};
