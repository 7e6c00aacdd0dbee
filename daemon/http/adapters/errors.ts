/** Errors of an adapter's routes, in the form that its API's clients raise their typed errors from. */
import type { ErrorRequestHandler, Response } from "express";
import type { Logger } from "pino";
import type { KartaError } from "../../../shared/errors.ts";
import { answerable, retryAfter } from "../error-boundary.ts";

export interface ErrorAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param requestId as the answer's `X-Request-Id` has it */
export type ToAnswer = (error: KartaError, requestId: string) => ErrorAnswer;

/** OpenAI's and Anthropic's clients obey it whatever the status is; without it they send again after a 5xx. */
const SHOULD_RETRY = "X-Should-Retry";
export const NO_RETRY = { [SHOULD_RETRY]: "false" } as const;

/** The turn is accepted: whatever comes now, sending again would run another. */
export function markAccepted(response: Response): void {
  response.setHeader(SHOULD_RETRY, "false");
}

/** What names the request in kartad's log, and in the answer. */
export function requestIdOf(response: Response): string {
  return String(response.getHeader("X-Request-Id") ?? "");
}

/** For a router, or for an app: writes what was thrown as the API does. */
export function adapterBoundary(logger: Logger, toAnswer: ToAnswer): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const known = answerable(error, request, logger);
    if (response.headersSent) {
      next(known); // express ends the connection: half a body must not look whole
      return;
    }
    const after = retryAfter(known);
    if (after !== null) response.setHeader("Retry-After", after);
    const { status, body, headers } = toAnswer(known, requestIdOf(response));
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    response.status(status).json(body);
  };
}
