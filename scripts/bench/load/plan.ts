/** What the load client is asked to do, and what it saw. */
import { z } from "zod";
import { OrderSchema } from "../scripted/protocol.ts";

export const PlanSchema = z.object({
  url: z.string(),
  /** Readers at once; each has a session. */
  readers: z.int().positive(),
  turnsOfReader: z.int().positive(),
  /** A reader takes a new session after so many turns. */
  turnsOfSession: z.int().positive(),
  /** Readers begin evenly spread over this time. */
  rampMs: z.number().nonnegative().default(0),
  order: OrderSchema,
});
export type Plan = z.input<typeof PlanSchema>;
export type ReadPlan = z.output<typeof PlanSchema>;

export const SightSchema = z.object({
  turns: z.int(),
  /** Text events that were asked for, and that arrived. */
  expected: z.int(),
  received: z.int(),
  /** Events out of their order: each frame's id must be the last one's plus one. */
  misplaced: z.int(),
  /** From the agent's write to this client, milliseconds. */
  latency: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
  seconds: z.number(),
});
export type Sight = z.infer<typeof SightSchema>;
