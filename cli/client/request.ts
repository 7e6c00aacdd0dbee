/** One HTTP request over the Unix socket, and the answer read as JSON or as an error. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { ErrorBodySchema, KartaError } from "../../shared/errors.ts";
import type { Method } from "../../shared/protocol/route.ts";
import { CliError, WentAwayError, connectionError } from "./errors.ts";

export interface RequestOptions {
  readonly socket: string;
  readonly method: Method;
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly accept: "application/json" | "text/event-stream";
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one request; resolves when the answer's head is in.
 * @throws NoDaemonError when nobody listens, WentAwayError when the connection breaks first
 */
export function send(options: RequestOptions): Promise<IncomingMessage> {
  const { socket, method, path, body, accept, signal } = options;
  const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath: socket,
      method,
      path,
      // A connection for each request: a kept one could be the last daemon's, after a restart.
      agent: false,
      headers: {
        accept,
        ...(payload === null
          ? {}
          : { "content-type": "application/json", "content-length": payload.byteLength }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    request.once("response", resolve);
    request.once("error", (error) => {
      reject(connectionError(socket, error));
    });
    request.end(payload ?? undefined);
  });
}

/** The answer's JSON; undefined for an empty one. */
export async function readJson(socket: string, answer: IncomingMessage): Promise<unknown> {
  let content: string;
  try {
    content = await text(answer);
  } catch (error) {
    throw new WentAwayError(socket, error);
  }
  if (content === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(content);
    return parsed;
  } catch (error) {
    throw new CliError(
      "bad_answer",
      `kartad answered ${answer.statusCode ?? 0} with something that is not JSON`,
      {
        cause: error,
      },
    );
  }
}

/** The error that an answer of 400 and up carries. */
export async function readError(socket: string, answer: IncomingMessage): Promise<Error> {
  const body = ErrorBodySchema.safeParse(await readJson(socket, answer));
  if (body.success) return KartaError.fromBody(body.data);
  return new CliError("bad_answer", `kartad answered ${answer.statusCode ?? 0} without saying why`);
}

export function isFailure(answer: IncomingMessage): boolean {
  return (answer.statusCode ?? 500) >= 400;
}
