/** Errors as OpenAI's API writes them, for its Chat Completions and its Responses. */
import { z } from "zod";
import { ERRORS, type ErrorCode } from "../../errors.ts";
import type { ErrorForm } from "../route.ts";

/** `type` is a class of errors, `code` one of them, `param` the field that is wrong. */
export const OpenAiErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
export type OpenAiError = z.infer<typeof OpenAiErrorSchema>;

/** OpenAI has no 422, and answers 429 `insufficient_quota` where a budget is spent: its clients look for these. */
export function openAiStatus(status: number): number {
  if (status === 422) return 400;
  return status === 402 ? 429 : status;
}

export const openAiErrorForm: ErrorForm = {
  body: OpenAiErrorSchema,
  statusOf: (code: ErrorCode) => openAiStatus(ERRORS[code].status),
};
