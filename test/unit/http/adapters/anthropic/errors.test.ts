/** Every error that Karta has, as Anthropic's client raises it. */
import { describe, expect, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import { anthropicAnswer } from "../../../../../daemon/http/adapters/anthropic/errors.ts";
import {
  AnthropicErrorSchema,
  anthropicStatus,
} from "../../../../../shared/protocol/adapters/anthropic/errors.ts";
import { ERRORS, isErrorCode, KartaError } from "../../../../../shared/errors.ts";

const raised = (code: string): unknown => {
  if (!isErrorCode(code)) throw new Error(`no code of Karta's: ${code}`);
  const { status, body, headers } = anthropicAnswer(new KartaError(code, "so it is"), "req_1");
  AnthropicErrorSchema.parse(body);
  return Anthropic.APIError.generate(status, body, undefined, new Headers(headers));
};

test.each([
  ["invalid_request", Anthropic.BadRequestError, "invalid_request_error"],
  ["invalid_json", Anthropic.BadRequestError, "invalid_request_error"],
  ["unsupported_media_type", Anthropic.BadRequestError, "invalid_request_error"],
  ["policy_refused", Anthropic.BadRequestError, "invalid_request_error"],
  ["unauthorized", Anthropic.AuthenticationError, "authentication_error"],
  ["budget_exhausted", Anthropic.PaymentRequiredError, "billing_error"],
  ["forbidden", Anthropic.PermissionDeniedError, "permission_error"],
  ["origin_not_allowed", Anthropic.PermissionDeniedError, "permission_error"],
  ["not_found", Anthropic.NotFoundError, "not_found_error"],
  ["request_timeout", Anthropic.RequestTimeoutError, "timeout_error"],
  ["idempotency_mismatch", Anthropic.ConflictError, "invalid_request_error"],
  ["body_too_large", Anthropic.ContentTooLargeError, "request_too_large"],
  ["queue_full", Anthropic.RateLimitError, "rate_limit_error"],
  ["rate_limited", Anthropic.RateLimitError, "rate_limit_error"],
  ["internal", Anthropic.InternalServerError, "api_error"],
  ["model_error", Anthropic.InternalServerError, "api_error"],
  ["harness_unavailable", Anthropic.ServiceUnavailableError, "api_error"],
  ["harness_timeout", Anthropic.GatewayTimeoutError, "timeout_error"],
  ["pool_saturated", Anthropic.OverloadedError, "overloaded_error"],
])("%s", (code, ErrorClass, type) => {
  const error = raised(code);
  expect(error).toBeInstanceOf(ErrorClass);
  expect(error).toMatchObject({ type, apiMessage: "so it is", errorCode: code, requestID: "req_1" });
});

describe("of all codes", () => {
  const codes = Object.keys(ERRORS).filter(isErrorCode);

  test("none has a status that Anthropic's API does not", () => {
    const known = [400, 401, 402, 403, 404, 408, 409, 413, 429, 431, 500, 502, 503, 504, 529];
    expect(codes.map(anthropicStatus).filter((status) => !known.includes(status))).toEqual([]);
  });

  test("a conflict is not sent again, which the client would do by itself", () => {
    const conflicts = codes.filter((code) => anthropicStatus(code) === 409);
    expect(conflicts.length).toBeGreaterThan(3);
    for (const code of conflicts)
      expect(anthropicAnswer(new KartaError(code, ""), "req_1").headers).toMatchObject({
        "X-Should-Retry": "false",
      });
  });
});
