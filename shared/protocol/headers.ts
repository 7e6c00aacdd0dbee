/** Request headers of the public API. */
import { z } from "zod";

export const IdempotencyHeadersSchema = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { error: "expected 1 to 255 visible ASCII characters" })
    .optional()
    .describe("The same key and body within a day finds what the first request made; another body is 409."),
});

export const CursorHeadersSchema = z.object({
  "Last-Event-ID": z
    .string()
    .regex(/^\d{0,15}$/, { error: "expected a seq: digits only" })
    .optional()
    .describe(
      "The `id` of the last event seen, as a browser sends it when it reconnects. It wins over `after`.",
    ),
});
