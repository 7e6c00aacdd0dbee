/** An error as an answer on a bare socket: where Node has no response object to write it with. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { KartaError } from "../../shared/errors.ts";
import { newId } from "../../shared/ids.ts";
import { retryAfter } from "./error-boundary.ts";

/** A client that is still sending may need this long to see why it is cut off. */
const LINGER_MS = 1000;

/** Writes the answer and closes the connection, at the latest when the client has had a moment to read it. */
export function refuseOnSocket(socket: Duplex, error: KartaError): void {
  const body = JSON.stringify(error.toBody());
  const after = retryAfter(error);
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ""}`,
    "Connection: close",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Date: ${new Date().toUTCString()}`,
    "X-Content-Type-Options: nosniff",
    `X-Request-Id: ${newId("req")}`,
    ...(after === null ? [] : [`Retry-After: ${after}`]),
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(linger));
}
