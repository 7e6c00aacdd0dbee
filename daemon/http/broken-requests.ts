/** Requests that never become one: what is not HTTP, too large a head, too slow. Node tells them apart by code. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { KartaError, systemErrorCode } from "../../shared/errors.ts";
import type { Limits } from "./limits.ts";
import { refuseOnSocket } from "./raw-answer.ts";

/** Owner: the server. */
export function answerBrokenRequests(server: Server, limits: Limits): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  const refused = new WeakSet<Duplex>();
  for (const event of ["request", "checkExpectation"]) {
    server.on(event, (request: IncomingMessage, response: ServerResponse) =>
      answers.set(request.socket, response),
    );
  }
  server.on("clientError", (error: Error, socket: Duplex) => {
    const refusal = refusalFor(error, limits);
    if (refusal === null || !socket.writable || isAnswering(answers.get(socket))) {
      socket.destroy();
      return;
    }
    if (refused.has(socket)) return; // what still comes of a head that was refused is broken likewise
    refused.add(socket);
    refuseOnSocket(socket, refusal);
  });
}

/** An answer is under way, to this request or to the one before it: a second one in its midst would be taken for its words. */
function isAnswering(response: ServerResponse | undefined): boolean {
  if (response === undefined || response.writableFinished) return false;
  return response.headersSent || response.req.complete;
}

/** Null: the connection itself broke. */
function refusalFor(error: Error, limits: Limits): KartaError | null {
  const code = systemErrorCode(error);
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new KartaError(
        "headers_too_large",
        `the request line and headers are over the limit of ${limits.max_header_bytes} bytes`,
        { fields: { limit_bytes: limits.max_header_bytes } },
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new KartaError(
        "request_timeout",
        `expected the headers within ${limits.headers_timeout_seconds} s and the whole request within ${limits.request_timeout_seconds} s`,
      );
    default:
      return code?.startsWith("HPE_") === true
        ? new KartaError("bad_request", `this is not HTTP/1.1: ${error.message}`)
        : null;
  }
}
