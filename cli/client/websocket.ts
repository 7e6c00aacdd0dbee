/** One WebSocket over the Unix socket: an async iterable of text messages that ends when the connection does. */
import { on } from "node:events";
import type { IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import WebSocket from "ws";
import { readError } from "../../shared/client/errors.ts";
import { connectionError, requireOwnSocket, socketAnswer } from "../../shared/client/socket-transport.ts";
import { explained, WentAwayError } from "./errors.ts";

export interface Connection {
  /** The handshake's answer. */
  readonly answer: IncomingMessage;
  readonly messages: AsyncIterable<string>;
}

/** Messages held before the socket is read no further; reading goes on when the rest is below the lower mark. */
const MARKS = { highWaterMark: 1024, lowWaterMark: 256 };

/**
 * Connects. The connection is made by hand and not by a `ws+unix:` URL, since that form splits at the first colon and
 * cannot name a path with a colon or a space in it.
 * @throws NoDaemonError when nobody listens, KartaError when the daemon refuses the upgrade
 */
export async function connect(socket: string, path: string, signal: AbortSignal): Promise<Connection> {
  try {
    requireOwnSocket(socket);
  } catch (error) {
    throw explained(socket, error);
  }
  const ws = new WebSocket(`ws://localhost${path}`, {
    createConnection: () => createConnection(socket),
    perMessageDeflate: false,
  });
  signal.addEventListener("abort", () => ws.terminate(), { once: true });
  // Listening before the handshake ends: a message may come in the same packet as its answer.
  const messages = on(ws, "message", { close: ["close"], ...MARKS });
  try {
    return { answer: await opened(ws, socket), messages: texts(messages, ws) };
  } catch (error) {
    ws.terminate();
    throw error;
  }
}

function opened(ws: WebSocket, socket: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | null = null;
    ws.once("upgrade", (response) => (answer = response));
    ws.once("open", () => {
      if (answer === null) reject(new WentAwayError(socket, undefined));
      else resolve(answer);
    });
    const failed = (error: unknown) => reject(explained(socket, error));
    ws.once(
      "unexpected-response",
      (_, response) => void readError(socketAnswer(response, socket)).then(failed, failed),
    );
    ws.on("error", (error) => failed(connectionError(socket, error)));
  });
}

/** The messages as text; a broken connection ends them, as a closed one does: the caller connects again or not. */
async function* texts(messages: AsyncIterable<unknown[]>, ws: WebSocket): AsyncGenerator<string> {
  try {
    for await (const [data] of messages) yield String(data);
  } catch {
    // The `error` event: the connection is gone, and what came before it has been yielded.
  } finally {
    ws.terminate();
  }
}
