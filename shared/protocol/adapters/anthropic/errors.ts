/** Errors as Anthropic's APIs write them: its clients raise a typed error by the status, and show the message. */
import { z } from "zod";
import { ERRORS, IssueSchema, type ErrorCode } from "../../../errors.ts";
import type { ErrorForm } from "../../route.ts";

export const AnthropicErrorTypeSchema = z.enum([
  "invalid_request_error",
  "authentication_error",
  "billing_error",
  "permission_error",
  "not_found_error",
  "request_too_large",
  "rate_limit_error",
  "timeout_error",
  "api_error",
  "overloaded_error",
]);
export type AnthropicErrorType = z.infer<typeof AnthropicErrorTypeSchema>;

export const AnthropicErrorSchema = z.object({
  type: z.literal("error"),
  error: z.object({
    type: AnthropicErrorTypeSchema,
    message: z.string(),
    details: z.object({
      /** Karta's own code, which the clients show as `errorCode`. */
      error_code: z.string(),
      issues: z.array(IssueSchema).optional(),
    }),
  }),
  request_id: z.string(),
});
export type AnthropicError = z.infer<typeof AnthropicErrorSchema>;

/**
 * Anthropic has no 422; a wrong media type is an invalid request to it; what is full answers 529, and what took too long
 * 504: its clients have classes for these.
 */
export function anthropicStatus(code: ErrorCode): number {
  switch (code) {
    case "pool_saturated":
      return 529;
    case "harness_timeout":
      return 504;
    default: {
      const { status } = ERRORS[code];
      return status === 422 || status === 410 || status === 414 || status === 415 ? 400 : status;
    }
  }
}

export const anthropicErrorForm: ErrorForm = { body: AnthropicErrorSchema, statusOf: anthropicStatus };
