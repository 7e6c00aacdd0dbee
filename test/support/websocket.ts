/** A WebSocket as a test's client has it: what it was told, and how it ended. Or the plain answer that refused it. */
import http from "node:http";
import { once } from "node:events";
import { createConnection } from "node:net";
import WebSocket from "ws";

export interface Ended {
  readonly code: number;
  readonly reason: string;
}

export interface OpenSocket {
  readonly ws: WebSocket;
  /** Headers of the answer 101. */
  readonly headers: http.IncomingHttpHeaders;
  /** Every message so far. */
  readonly said: readonly string[];
  /** Settles when the connection has ended, however. */
  readonly ended: Promise<Ended>;
  /** Resolves when so many messages have come. @throws when it ends before */
  until(count: number): Promise<void>;
}

export interface Target {
  /** `ws://localhost:8000/…`; with `socketPath`, the host does not matter. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What it offers, as a browser's page would. */
  readonly protocols?: readonly string[];
  /** A Unix socket. */
  readonly socketPath?: string;
}

/** @throws Error with the answer's status when it is not 101 */
export async function openSocket({
  url,
  headers = {},
  protocols = [],
  socketPath,
}: Target): Promise<OpenSocket> {
  const ws = new WebSocket(url, [...protocols], {
    headers: { ...headers },
    ...(socketPath === undefined ? {} : { createConnection: () => createConnection(socketPath) }),
  });
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of [...waiting]) check();
  };
  let isOver = false;
  ws.on("message", (data: Buffer) => {
    said.push(data.toString("utf8"));
    wake();
  });
  ws.on("error", () => undefined); // `close` follows
  const ended = new Promise<Ended>((resolve) => {
    ws.once("close", (code, reason) => {
      isOver = true;
      wake();
      resolve({ code, reason: reason.toString("utf8") });
    });
  });
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    ws.once("upgrade", resolve);
    ws.once("unexpected-response", (_request, response) => {
      response.resume();
      reject(new Error(`refused with ${response.statusCode ?? 0}`));
    });
    ws.once("error", reject);
  });
  if (ws.readyState !== WebSocket.OPEN) await once(ws, "open");
  return {
    ws,
    headers: answer.headers,
    said,
    ended,
    until: (count) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (said.length < count && !isOver) return;
          waiting.delete(check);
          if (said.length >= count) resolve();
          else reject(new Error(`ended after ${said.length} of ${count} messages: ${said.at(-1) ?? ""}`));
        };
        waiting.add(check);
        check();
      }),
  };
}

/** The headers of a well-formed handshake. */
export const HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
} as const;
