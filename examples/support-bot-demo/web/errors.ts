/** The one place where an error becomes a response: `{"error": code, "detail": what happened and what to do}`. */
import type { ErrorRequestHandler } from "express";
import { KartaError, UnreadableAnswerError } from "karta/client";
import { z } from "zod";
import { KartaUnreachable } from "./karta.ts";
import type { Logger } from "./logger.ts";

/** What express's body parser throws. */
const BodyError = z.object({ type: z.string(), status: z.int().min(400).max(499) });

export function errorBoundary(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof KartaUnreachable) {
      logger.warn(error.message);
      response.status(502).json({ error: "karta_unreachable", detail: error.message });
      return;
    }
    if (error instanceof KartaError) {
      // Passed on as it is: status, body, and when to come back.
      if (error.retryAfterSeconds !== null) response.set("Retry-After", String(error.retryAfterSeconds));
      response.status(error.status).json(error.toBody());
      return;
    }
    if (error instanceof UnreadableAnswerError) {
      logger.warn(error.message);
      response.status(502).json({ error: "karta_error", detail: "Karta's answer could not be read." });
      return;
    }
    const body = BodyError.safeParse(error);
    if (body.success && body.data.type === "entity.too.large") {
      response.status(413).json({ error: "body_too_large", detail: "The message is too long." });
    } else if (body.success) {
      response
        .status(body.data.status)
        .json({ error: "invalid_json", detail: "The body is not valid JSON." });
    } else {
      logger.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
      response
        .status(500)
        .json({ error: "internal", detail: "The web server met an error; its log has the rest." });
    }
  };
}
