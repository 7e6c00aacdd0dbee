/** What a session does, on the managed-agents wire (spec: managed-agents). Each event has the `seq` of the session's own log. */
import { z } from "zod";
import { TURN_ERROR_CODES } from "../../errors.ts";
import { InputKindSchema, TimeSchema, ToolInputSchema } from "../../events.ts";

const eventOf = <T extends string, Shape extends z.ZodRawShape>(type: T, shape: Shape) =>
  z.object({ type: z.literal(type), seq: z.int().positive(), ...shape });

/** A part grows by deltas; an event without `delta` has all of it. */
const growing = {
  text: z.string(),
  part_id: z.string(),
  delta: z.literal(true).optional().describe("The text is appended to its part; without it, it replaces it."),
};

const StatusRunningSchema = eventOf("session.status_running", {
  message_id: z.string().optional().describe("The message that is answered; the transcript has the same id."),
  request_id: z.string().optional().describe("The request that was answered, where that let it go on."),
});

const TurnEndedSchema = eventOf("session.status_idle", {
  stop_reason: z.literal("end_turn"),
  usage: z.object({
    input_tokens: z.int().nonnegative(),
    output_tokens: z.int().nonnegative(),
    total_tokens: z.int().nonnegative(),
  }),
  interrupted: z.literal(true).optional().describe("Somebody asked for the turn's end."),
});

const RequiresActionSchema = eventOf("session.status_idle", {
  stop_reason: z.literal("requires_action"),
  request_id: z.string(),
  kind: InputKindSchema,
  tool: z.string(),
  target: z
    .string()
    .describe("What the tool would work on: a file, a command, an address. A question's words."),
  options: z
    .array(z.string())
    .describe("Results that may be given; for a question, what it offers to choose from."),
  expires_at: TimeSchema.describe("Without an answer by then it is denied."),
});

export const WireEventSchema = z.union([
  StatusRunningSchema,
  eventOf("agent.message", growing),
  eventOf("agent.thinking", growing),
  eventOf("agent.tool_use", { tool_use_id: z.string(), tool: z.string(), input: ToolInputSchema }),
  eventOf("agent.tool_result", {
    tool_use_id: z.string(),
    output: z.string(),
    is_error: z.boolean(),
    truncated: z.boolean().optional(),
  }),
  TurnEndedSchema,
  RequiresActionSchema,
  eventOf("session.error", { message: z.string(), code: z.enum(TURN_ERROR_CODES) }),
]);
export type WireEvent = z.infer<typeof WireEventSchema>;
