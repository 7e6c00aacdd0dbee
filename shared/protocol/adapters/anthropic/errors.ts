/** Errors as Anthropic's APIs write them: its clients raise a typed error by the status, and show `message`. */
import { z } from "zod";

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

export const AnthropicErrorBodySchema = z.object({
  type: z.literal("error"),
  error: z.object({
    type: AnthropicErrorTypeSchema,
    message: z.string(),
    /** Karta's own code: what the native API would have said. */
    code: z.string().optional(),
  }),
  request_id: z.string().nullable(),
});
export type AnthropicErrorBody = z.infer<typeof AnthropicErrorBodySchema>;
