/** The one place where an error becomes an answer. Handlers throw. */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import type { Logger } from "pino";
import { z } from "zod";
import { issuesFromZod, KartaError } from "../../shared/errors.ts";
import { loggedPath } from "./logged-path.ts";
import { maskedError, maskOf } from "./mask.ts";

/** What express and its body parser throw: an `http-errors` error. */
const HttpErrorSchema = z.object({
  status: z.int(),
  type: z.string().optional(),
  limit: z.number().optional(),
});

function asKartaError(error: unknown): KartaError | null {
  if (error instanceof KartaError) return error;
  const http = HttpErrorSchema.safeParse(error);
  if (!http.success) return null;
  switch (http.data.type) {
    case "entity.parse.failed":
      return new KartaError(
        "invalid_json",
        `the body is not JSON: ${error instanceof Error ? withoutSnippet(error.message) : ""}`,
      );
    case "entity.too.large":
      return bodyTooLarge(http.data.limit ?? 0);
    case "encoding.unsupported":
    case "charset.unsupported":
      return new KartaError(
        "unsupported_media_type",
        error instanceof Error ? error.message : "unsupported encoding",
      );
    default:
      return http.data.status < 500
        ? new KartaError("bad_request", error instanceof Error ? error.message : "")
        : null;
  }
}

/** V8 shows what is around the place; a body may hold anything, and an answer need not repeat it. */
function withoutSnippet(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, "");
}

export function bodyTooLarge(maxBytes: number): KartaError {
  return new KartaError("body_too_large", `the body is over the limit of ${maxBytes} bytes`, {
    fields: { limit_bytes: maxBytes },
  });
}

/** A body can be wrong in a hundred thousand places; an answer must not be larger than what it answers. */
const SHOWN_ISSUES = 20;
const SHOWN_CHARACTERS = 300;

/** Turns a schema's findings into a 422. */
export function invalidRequest(error: z.ZodError): KartaError {
  const issues = issuesFromZod(error, SHOWN_ISSUES).map(({ path, message }) => ({
    path: shortened(path),
    message: shortened(message),
  }));
  const words = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const more = error.issues.length - issues.length;
  if (more > 0) words.push(`and ${more} more`);
  return new KartaError("invalid_request", words.join("; "), { issues });
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

/** 429 and 503 always say when to come back. */
const COME_BACK_SECONDS = 5;

/** The `Retry-After` of an error's answer; null where it has none. */
export function retryAfter({ retryAfterSeconds, status }: KartaError): string | null {
  const seconds = retryAfterSeconds ?? (status === 429 || status === 503 ? COME_BACK_SECONDS : null);
  return seconds === null ? null : String(seconds);
}

export const noSuchRoute: RequestHandler = (request) => {
  throw new KartaError("not_found", `there is no ${request.method} ${request.path}`);
};

/** Anything that is not a KartaError is a bug of ours: the client gets `internal`, the log the rest. No answer has a secret. */
function answerable(error: unknown, request: Request, logger: Logger): KartaError {
  const known = asKartaError(error);
  if (known !== null) return maskedError(known, maskOf(request.app));
  logger.error({ err: error, method: request.method, path: loggedPath(request) }, "a request failed");
  return new KartaError("internal", "something went wrong in kartad; its log says what (`karta logs`)");
}

export interface ErrorAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API's form of an error. @param requestId as the answer's `X-Request-Id` has it */
export type ToAnswer = (error: KartaError, requestId: string) => ErrorAnswer;

/** Karta's own form. */
export const ownAnswer: ToAnswer = (error) => ({ status: error.status, body: error.toBody() });

/** For an app, or for some of its paths: writes what was thrown in an API's form. */
export function errorBoundary(logger: Logger, toAnswer: ToAnswer = ownAnswer): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const known = answerable(error, request, logger);
    if (response.headersSent) {
      next(known); // express ends the connection: half a body must not look whole
      return;
    }
    const after = retryAfter(known);
    if (after !== null) response.setHeader("Retry-After", after);
    const { status, body, headers = {} } = toAnswer(known, requestIdOf(response));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.status(status).json(body);
  };
}

/** What names the request in kartad's log, and in the answer. */
export function requestIdOf(response: Response): string {
  return String(response.getHeader("X-Request-Id") ?? "");
}
