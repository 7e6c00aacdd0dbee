/** Turns as the public API shows them: a message, what comes of it, what it waits for (spec: http-api, Messages, Inputs). */
import { z } from "zod";
import { MessageSchema, SessionEventSchema, TimeSchema, ToolInputSchema, UsageSchema } from "../events.ts";
import { integerText } from "./integer-text.ts";
import { LIMITS } from "./limits.ts";
import { ParticipantNameSchema, ParticipantTypeSchema } from "./participants.ts";

export const AgentNameSchema = z.string().min(1).max(200);

/** A turn that has not ended. `queued` waits for its place, `awaiting_input` for an approval. */
export const LiveTurnStateSchema = z.enum(["queued", "running", "awaiting_input"]);

export const PendingInputSchema = z.object({
  request_id: z.string(),
  tool_use_id: z.string().optional(),
  kind: z.enum(["tool_use", "question"]),
  tool: z.string(),
  tool_input: ToolInputSchema,
  message: z.string(),
  options: z.array(z.string()),
  expires_at: TimeSchema,
});
export type PendingInput = z.infer<typeof PendingInputSchema>;

/** An answer to a pending input. `answers` is for questions: the question's text → the chosen option, or own words. */
export const InputAnswerSchema = z.strictObject({
  decision: z.enum(["approve_once", "approve_session", "deny"]),
  message: z.string().min(1).max(10_000).optional().describe("With `deny`: what the agent is told."),
  answers: z.record(z.string().max(2000), z.string().max(10_000)).optional(),
});
export type InputAnswer = z.infer<typeof InputAnswerSchema>;
export const ResolveInputSchema = InputAnswerSchema.extend({ stream: z.boolean().optional() });

export const SendMessageSchema = z.strictObject({
  text: z
    .string({
      error: (issue) => (issue.input === undefined ? "required: the message's text" : "expected a string"),
    })
    .min(1, { error: "expected 1 to 200000 characters, found none" })
    .max(LIMITS.textLength, {
      error: (issue) =>
        `expected 1 to ${LIMITS.textLength} characters, found ${typeof issue.input === "string" ? issue.input.length : 0}`,
    }),
  stream: z.boolean().optional(),
  agent: AgentNameSchema.optional(),
  participant_name: ParticipantNameSchema.optional(),
  participant_type: ParticipantTypeSchema.optional(),
  thinking: z.boolean().optional(),
});
export type SendMessage = z.infer<typeof SendMessageSchema>;

/** Without `turn_id`: the running turn, or the next one. */
export const CancelTurnSchema = z.strictObject({ turn_id: z.string().max(100).optional() });

/** A unary turn's answer. */
export const TurnResultSchema = z.object({
  text: z.string(),
  session_id: z.string(),
  turn_id: z.string(),
  agent: z.string(),
  status: z.enum(["completed", "input_required", "cancelled"]),
  messages: z.array(MessageSchema),
  usage: UsageSchema,
  pending_input: PendingInputSchema.optional(),
});
export type TurnResult = z.infer<typeof TurnResultSchema>;

const include = z.string().max(100).optional().describe("`system` shows harness internals too.");

export const StreamQuerySchema = z.object({ include });

export const EventsQuerySchema = z.looseObject({
  after: integerText("a seq", 0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("Replays first what came after this `seq`."),
  follow: z.enum(["true", "false"]).optional().describe("`false`: one page of JSON instead of a stream."),
  limit: integerText("a page size", 1, LIMITS.eventPageSize).optional(),
  include,
});
export const EventPageSchema = z.object({
  data: z.array(SessionEventSchema),
  next_after: z.int().nonnegative(),
});
export type EventPage = z.infer<typeof EventPageSchema>;

/** On a streamed turn's answer: the turn's id, so that it can be cancelled while it waits and has no events yet. */
export const TURN_HEADER = "karta-turn-id";
