/**
 * WebSockets on an HTTP server. Until its route accepts it, an upgrade is a request like any other: the same guards, the
 * same lookups, and when it is refused the same answer.
 */
import { ServerResponse, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { KartaError } from "../../shared/errors.ts";
import { FEED_END, type FeedEnd } from "../../shared/protocol/feed-end.ts";

/** A client of our feeds sends nothing but control frames. */
const MAX_MESSAGE_BYTES = 1024;
/** What a client has to leave when kartad stops. Otherwise `ws` gives it 30 s to read what waits for it, and why. */
const GOODBYE_MS = 250;
const BEAT_MS = 20_000;
/** Beats without a pong before a client counts as dead. */
const SILENT_BEATS = 3;
/** A ping is answered while no more than this waits for its sender: one who pings and never reads must not fill memory. */
const PONG_ROOM_BYTES = 16 * 1024;

/** How a browser's WebSocket presents its credential: as one of the protocols that it offers. */
export const BEARER_PROTOCOL = "karta.bearer.";

/** A request that asks for a WebSocket, in its route's hands. */
export interface Upgrade {
  /**
   * Answers 101, with the headers that the response has so far.
   * @returns null when the client has left
   * @throws KartaError `bad_request` for a handshake that is none, `shutting_down`
   */
  accept(): WebSocket | null;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();
const clients = new WeakMap<IncomingMessage, WebSocket>();

/** What a route accepts its upgrade with; null for a plain request. */
export function upgradeOf(request: IncomingMessage): Upgrade | null {
  return upgrades.get(request) ?? null;
}

/** `shouldUpgradeCallback` of the server: who wants another protocol (h2c, say) is answered in HTTP, as the RFC allows. */
export function asksForWebSocket(request: IncomingMessage): boolean {
  return request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket";
}

export function endFeed(client: WebSocket, end: FeedEnd): void {
  client.close(FEED_END[end], end);
}

/** Ends an answer whose credential is no longer good, a WebSocket with the word for it, anything else in its midst. */
export function cutOff(request: IncomingMessage, response: ServerResponse): void {
  const client = clients.get(request);
  if (client === undefined) {
    response.destroy();
    return;
  }
  endFeed(client, "unauthorized");
  setTimeout(() => client.terminate(), GOODBYE_MS).unref();
}

/** Of the protocols that a client offers, the first that is no credential: an answer must not repeat one. */
function chooseProtocol(offered: ReadonlySet<string>): string | false {
  return [...offered].find((protocol) => !protocol.startsWith(BEARER_PROTOCOL)) ?? false;
}

/** Owner: the composition root. Frees its clients by `close()`; each counts as a connection of the server's bound. */
export class WebSockets {
  readonly #answer: RequestListener;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false, // events are small, and each compressor would hold a window of its own
    autoPong: false,
    handleProtocols: chooseProtocol,
  });
  /** Those that asked, accepted or not: the server no longer counts them as its own, nor closes them. */
  readonly #sockets = new Set<Socket>();
  readonly #silentBeats = new WeakMap<WebSocket, number>();
  readonly #beat: NodeJS.Timeout;
  #isClosing = false;

  /** @param answer what also answers the server's requests: its routes accept upgrades, or refuse them */
  constructor(server: Server, answer: RequestListener) {
    this.#answer = answer;
    server.on("upgrade", (request, socket, head) => this.#ask(request, socket, head));
    this.#beat = setInterval(() => this.#findDead(), BEAT_MS).unref();
  }

  /** Takes no more clients and tells those there are; who does not leave in a moment is cut off. */
  close(): void {
    this.#isClosing = true;
    clearInterval(this.#beat);
    for (const client of this.#server.clients) endFeed(client, "shutting_down");
    setTimeout(() => {
      for (const client of this.#server.clients) client.terminate();
      for (const socket of this.#sockets) socket.destroy(); // one may be a stream in plain HTTP, which has no end
    }, GOODBYE_MS).unref();
  }

  #ask(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => undefined); // `close` follows
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    try {
      response.assignSocket(socket);
    } catch {
      socket.destroy(); // a client that did not wait: an earlier request's answer still goes out here
      return;
    }
    response.on("finish", () => socket.destroySoon()); // it was refused
    upgrades.set(request, { accept: () => this.#accept(request, response, socket, head) });
    this.#answer(request, response);
  }

  #accept(
    request: IncomingMessage,
    response: ServerResponse,
    socket: Socket,
    head: Buffer,
  ): WebSocket | null {
    if (this.#isClosing) {
      throw new KartaError("shutting_down", "kartad is stopping; come back with the cursor when it is up", {
        retryAfterSeconds: 5,
      });
    }
    const [client] = this.#handshake(request, response, socket, head);
    if (client === undefined) return null;
    clients.set(request, client);
    response.statusCode = 101;
    response.detachSocket(socket);
    client.once("close", () => response.emit("close")); // for who watches requests end, as the log does
    client.on("error", () => undefined); // a broken frame or connection; `close` follows
    client.on("message", () => endFeed(client, "takes_no_messages"));
    client.on("pong", () => this.#silentBeats.delete(client));
    client.on("ping", (data) => {
      if (client.bufferedAmount < PONG_ROOM_BYTES) client.pong(data);
    });
    return client;
  }

  /** `ws` shakes hands within the call. @returns the client, or none if it has left. @throws KartaError `bad_request` */
  #handshake(
    request: IncomingMessage,
    response: ServerResponse,
    socket: Socket,
    head: Buffer,
  ): readonly WebSocket[] {
    const accepted: WebSocket[] = [];
    const refused: Error[] = [];
    const addHeaders = (lines: string[]): void => {
      for (const [name, value] of Object.entries(response.getHeaders()))
        lines.push(`${name}: ${String(value)}`);
    };
    const refuse = (error: Error): void => void refused.push(error);
    this.#server.on("headers", addHeaders).on("wsClientError", refuse);
    this.#server.handleUpgrade(request, socket, head, (client) => accepted.push(client));
    this.#server.off("headers", addHeaders).off("wsClientError", refuse);
    const [error] = refused;
    if (error !== undefined) {
      response.setHeader("Sec-WebSocket-Version", "13");
      throw new KartaError("bad_request", `not a WebSocket handshake: ${error.message}`);
    }
    return accepted;
  }

  #findDead(): void {
    for (const client of this.#server.clients) {
      const silent = this.#silentBeats.get(client) ?? 0;
      if (silent >= SILENT_BEATS) {
        client.terminate();
        continue;
      }
      this.#silentBeats.set(client, silent + 1);
      client.ping();
    }
  }
}
