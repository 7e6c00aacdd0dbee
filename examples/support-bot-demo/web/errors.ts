/** The one place where an error becomes a response: `{"error": code, "detail": what happened and what to do}`. */
import type { ErrorRequestHandler, Response } from "express";
import { z } from "zod";
import { KartaRefused, KartaUnreachable } from "./karta.ts";
import type { Logger } from "./logger.ts";

/** What express's body parser throws. */
const BodyError = z.object({ type: z.string(), status: z.int().min(400).max(499) });
const ErrorBody = z.looseObject({ error: z.string() });

export function errorBoundary(logger: Logger): ErrorRequestHandler {
  return async (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof KartaUnreachable) {
      logger.warn(error.message);
      response.status(502).json({ error: "karta_unreachable", detail: error.message });
      return;
    }
    if (error instanceof KartaRefused) {
      await relay(error.response, response);
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

/** Passes Karta's own error on: status, JSON body, and when to come back. */
async function relay(from: globalThis.Response, to: Response): Promise<void> {
  const text = await from.text().catch(() => "");
  const retryAfter = from.headers.get("retry-after");
  if (retryAfter !== null) to.set("Retry-After", retryAfter);
  const body = ErrorBody.safeParse(parseJson(text));
  to.status(from.status).json(
    body.success
      ? body.data
      : { error: "karta_error", detail: `Karta answered ${from.status} without saying why.` },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
