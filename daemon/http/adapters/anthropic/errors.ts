/** Karta's errors in the form of Anthropic's APIs. */
import type { KartaError } from "../../../../shared/errors.ts";
import {
  anthropicStatus,
  type AnthropicError,
  type AnthropicErrorType,
} from "../../../../shared/protocol/adapters/anthropic/errors.ts";
import type { ErrorAnswer } from "../../error-boundary.ts";
import { NO_RETRY } from "../errors.ts";

function typeOf(status: number): AnthropicErrorType {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

/**
 * `fields.code` is a narrower code than Karta's own (`model_not_found`, `turn_cancelled`).
 * @param requestId as the answer's `request-id` header has it
 */
export function anthropicError(error: KartaError, requestId: string): AnthropicError {
  const { code } = error.fields;
  const issues = error.issues.map(({ path, message }) => ({ path, message }));
  return {
    type: "error",
    error: {
      type: typeOf(anthropicStatus(error.code)),
      message: error.message,
      details: {
        error_code: typeof code === "string" ? code : error.code,
        ...(issues.length > 0 ? { issues } : {}),
      },
    },
    request_id: requestId,
  };
}

/** A conflict does not go away by sending again, which Anthropic's clients do after a 409. */
export function anthropicAnswer(error: KartaError, requestId: string): ErrorAnswer {
  const status = anthropicStatus(error.code);
  return {
    status,
    body: anthropicError(error, requestId),
    headers: { "request-id": requestId, ...(status === 409 ? NO_RETRY : {}) },
  };
}
