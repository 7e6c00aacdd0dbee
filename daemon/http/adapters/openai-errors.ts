/** Karta's errors in the form of OpenAI's API. */
import type { ErrorCode, KartaError } from "../../../shared/errors.ts";
import { openAiStatus, type OpenAiError } from "../../../shared/protocol/adapters/openai-errors.ts";
import type { ErrorAnswer } from "../error-boundary.ts";
import { NO_RETRY } from "./errors.ts";

/** What OpenAI calls the errors that both have. */
const CODES: Partial<Readonly<Record<ErrorCode, string>>> = {
  unauthorized: "invalid_api_key",
  budget_exhausted: "insufficient_quota",
  rate_limited: "rate_limit_exceeded",
};

function typeOf(status: number, code: ErrorCode): string {
  if (code === "budget_exhausted") return "insufficient_quota";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/**
 * The field that is wrong is the first issue's, or `fields.param`; `fields.code` is a code of OpenAI's own for what Karta
 * has a wider one for (`model_not_found`).
 */
export function openAiError(error: KartaError): OpenAiError {
  const { code, param } = error.fields;
  return {
    error: {
      message: error.message,
      type: typeOf(openAiStatus(error.status), error.code),
      param: typeof param === "string" ? param : (error.issues[0]?.path ?? null),
      code: typeof code === "string" ? code : (CODES[error.code] ?? error.code),
    },
  };
}

/** A conflict or a spent budget does not go away by sending again, which OpenAI's clients do after a 409 or 429. */
export function openAiAnswer(error: KartaError): ErrorAnswer {
  const status = openAiStatus(error.status);
  const isFinal = status === 409 || error.code === "budget_exhausted";
  return { status, body: openAiError(error), ...(isFinal ? { headers: NO_RETRY } : {}) };
}
