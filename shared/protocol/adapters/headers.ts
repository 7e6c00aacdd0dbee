/** Headers of the adapters' requests and answers. */
import { z } from "zod";
import { IdempotencyHeadersSchema } from "../headers.ts";

/**
 * On every answer that ran a turn: its session, for the session API (approvals, events, cancel). On a request, where an
 * adapter takes it: the session to go on with.
 */
export const SESSION_HEADER = "X-Karta-Session";

/** Of a request that runs a turn. */
export const TurnHeadersSchema = IdempotencyHeadersSchema.extend({
  [SESSION_HEADER]: z
    .string()
    .regex(/^[\x21-\x7e]{0,100}$/, { error: "expected a session's id" })
    .optional()
    .describe("The session to go on with."),
});
