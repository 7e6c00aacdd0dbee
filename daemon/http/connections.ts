/** How many connections may be open. One beyond is told so when it asks for something, rather than closed without a word. */
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { KartaError } from "../../shared/errors.ts";

/** Connections that may wait for this answer; beyond, the system's own refusal must do. */
const HEADROOM = 256;

/** Owner: the server. */
export class Connections {
  readonly #max: number;
  readonly #beyond = new WeakSet<Duplex>();
  #open = 0;

  constructor(server: Server, max: number) {
    this.#max = max;
    server.maxConnections = max + HEADROOM;
    server.on("connection", (socket: Duplex) => {
      this.#open += 1;
      socket.once("close", () => (this.#open -= 1));
      if (this.#open <= this.#max) return;
      this.#beyond.add(socket);
      server.closeIdleConnections(); // kept for a next request only: they make room first
    });
  }

  /** Asked with each request: null, or why this connection may have none and is to be closed. */
  refuses(socket: Duplex): KartaError | null {
    if (!this.#beyond.has(socket)) return null;
    if (this.#open > this.#max) {
      return new KartaError(
        "too_many_connections",
        `${this.#max} connections are open, which is the limit; close some, or raise max_connections in kartad.toml`,
        { retryAfterSeconds: 5 },
      );
    }
    this.#beyond.delete(socket); // others have left meanwhile
    return null;
  }
}
