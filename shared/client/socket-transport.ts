/** Requests over kartad's Unix socket. For Node alone; `karta/client/socket` exports it. */
import { statSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { systemErrorCode } from "../errors.ts";
import { ConnectionError } from "./errors.ts";
import type { Transport, TransportAnswer } from "./transport.ts";

/** Codes of `connect` that mean that nobody listens, or that nobody may be asked. */
const NOBODY_LISTENS: ReadonlySet<string> = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "ENOTSOCK",
  "ENOTDIR",
  "EACCES",
  "EPERM",
]);

/** @param socket the socket's path */
export function socketTransport(socket: string): Transport {
  return {
    request: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        requireOwnSocket(socket);
        const request = httpRequest({
          socketPath: socket,
          method,
          path,
          // A connection for each request: a kept one could be the last daemon's, after a restart.
          agent: false,
          headers: {
            ...headers,
            ...(body === null ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          },
          ...(signal === undefined ? {} : { signal }),
        });
        request.once("response", (response) => resolve(socketAnswer(response, socket, signal)));
        request.on("error", (cause) => reject(reasonOf(signal) ?? connectionError(socket, cause)));
        request.end(body ?? undefined);
      }),
  };
}

/**
 * Another user's program may stand where kartad's socket was looked for, in /tmp say: it must not hear what is meant for
 * kartad. Only root speaks to a kartad that another user runs.
 * @throws ConnectionError `refused`
 */
export function requireOwnSocket(socket: string): void {
  const own = process.getuid?.() ?? 0;
  if (own === 0 || ownerOf(socket) === own) return;
  const why = `${socket} belongs to another user`;
  throw new ConnectionError("refused", why, Object.assign(new Error(why), { code: "EACCES" }));
}

/** The caller, where it cannot be read: then connecting fails, and says why. */
function ownerOf(socket: string): number | undefined {
  try {
    return statSync(socket).uid;
  } catch {
    return process.getuid?.();
  }
}

/** A response of node:http as an answer; for a WebSocket's handshake too. */
export function socketAnswer(
  response: IncomingMessage,
  socket: string,
  signal?: AbortSignal,
): TransportAnswer {
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name];
      return typeof value === "string" ? value : (value?.join(", ") ?? null);
    },
    chunks: texts(response, socket, signal),
    close: () => response.destroy(),
  };
}

/** What the system's error on this socket means; anything else is a bug, and stays what it is. */
export function connectionError(socket: string, cause: unknown): Error {
  const code = systemErrorCode(cause);
  if (code === null) return cause instanceof Error ? cause : new Error(String(cause), { cause });
  return NOBODY_LISTENS.has(code)
    ? new ConnectionError("refused", `no answer on ${socket}`, cause)
    : new ConnectionError(
        "broken",
        `the connection to ${socket} broke before its answer was complete`,
        cause,
      );
}

async function* texts(
  response: IncomingMessage,
  socket: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) yield String(chunk);
  } catch (cause) {
    throw reasonOf(signal) ?? connectionError(socket, cause);
  }
}

/** Why the caller ended it; null where it did not. */
function reasonOf(signal: AbortSignal | undefined): Error | null {
  if (signal?.aborted !== true) return null;
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
