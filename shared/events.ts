/**
 * A session's events: one tagged union, the same on the stream, on the events feed and in the log
 * (spec: http-api, Messages). `seq` grows by exactly 1 over the whole life of a session.
 */
import { z } from "zod";
import { TURN_ERROR_CODES } from "./errors.ts";

/** RFC 3339, UTC. */
export const TimeSchema = z.iso.datetime();

export const UsageSchema = z.object({
  input_tokens: z.int().nonnegative(),
  output_tokens: z.int().nonnegative(),
  total_tokens: z.int().nonnegative(),
  /** US dollars, where the harness says; left out where it does not. */
  cost_usd: z.number().nonnegative().optional(),
});
export type Usage = z.infer<typeof UsageSchema>;

export const ToolInputSchema = z.unknown().describe("What the tool is given: its own matter.");

export const TextPartSchema = z.object({ type: z.literal("text"), text: z.string() });
export const ReasoningPartSchema = z.object({ type: z.literal("reasoning"), text: z.string() });
export const ToolUsePartSchema = z.object({
  type: z.literal("tool_use"),
  tool_use_id: z.string(),
  tool_name: z.string(),
  tool_input: ToolInputSchema,
});
export const ToolResultPartSchema = z.object({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  is_error: z.boolean(),
  content: z.string(),
  truncated: z.boolean().optional(),
});
export const PartSchema = z.discriminatedUnion("type", [
  TextPartSchema,
  ReasoningPartSchema,
  ToolUsePartSchema,
  ToolResultPartSchema,
]);
export type Part = z.infer<typeof PartSchema>;

export const ParticipantSchema = z.object({
  name: z.string(),
  type: z.enum(["human", "ai"]),
  display_name: z.string().nullable(),
});
export type Participant = z.infer<typeof ParticipantSchema>;

export const AssistantMessageSchema = z.object({
  id: z.string(),
  role: z.literal("assistant"),
  text: z.string(),
  parts: z.array(PartSchema),
});
export const UserMessageSchema = z.object({
  id: z.string(),
  role: z.literal("user"),
  text: z.string(),
  parts: z.array(PartSchema),
  participant: ParticipantSchema.nullable(),
});
export const MessageSchema = z.discriminatedUnion("role", [UserMessageSchema, AssistantMessageSchema]);
export type AssistantMessage = z.infer<typeof AssistantMessageSchema>;
export type UserMessage = z.infer<typeof UserMessageSchema>;
export type Message = z.infer<typeof MessageSchema>;

export const InputKindSchema = z.enum(["tool_use", "question"]);
export const InputDecisionSchema = z.enum(["approve_once", "approve_session", "deny"]);

/** `data` of each event type. */
export const EVENT_DATA = {
  /** The inbound message; on the events feed, not on the sender's own stream. */
  message: z.object({ message_id: z.string(), text: z.string(), participant: ParticipantSchema.nullable() }),
  text: z.object({ part: TextPartSchema, message_id: z.string() }),
  /** Only in a turn that asked for it with `thinking: true`. */
  reasoning: z.object({ part: ReasoningPartSchema }),
  tool_use: z.object({ tool_name: z.string(), tool_input: ToolInputSchema, tool_use_id: z.string() }),
  /** `content` is text, cut at 32 KiB, then `truncated` is true. */
  tool_result: z.object({
    tool_use_id: z.string(),
    is_error: z.boolean(),
    content: z.string(),
    truncated: z.boolean().optional(),
  }),
  step_start: z.object({ step_index: z.int().nonnegative(), description: z.string() }),
  step_finish: z.object({ step_index: z.int().nonnegative(), result: z.string() }),
  agent_handoff: z.object({ from: z.string(), to: z.string() }),
  input_required: z.object({
    request_id: z.string(),
    /** The `tool_use` that it is about; left out by older kartads. */
    tool_use_id: z.string().optional(),
    kind: InputKindSchema,
    tool: z.string(),
    tool_input: ToolInputSchema,
    message: z.string(),
    options: z.array(z.string()),
    expires_at: TimeSchema,
  }),
  input_resolved: z.object({ request_id: z.string(), decision: InputDecisionSchema, by: z.string() }),
  /** Harness internals; hidden unless `?include=system`. */
  system: z.object({ subtype: z.string(), detail: z.unknown().describe("The harness's own.") }),
  /** Terminal. */
  error: z.object({ code: z.enum(TURN_ERROR_CODES), message: z.string(), retryable: z.boolean() }),
  /** Terminal. */
  done: z.object({
    status: z.enum(["completed", "cancelled"]),
    message: AssistantMessageSchema,
    usage: UsageSchema,
  }),
} as const;

export type EventType = keyof typeof EVENT_DATA;
export type EventData<T extends EventType> = z.infer<(typeof EVENT_DATA)[T]>;

/** An event before it has a place in the log. */
export type EventDraft = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType];

const eventSchemaOf = <T extends EventType>(type: T) =>
  z.object({
    type: z.literal(type),
    seq: z.int().positive().describe("Grows by exactly 1 over the session's whole life."),
    session_id: z.string(),
    turn_id: z.string().nullable().describe("Null for what happens outside a turn: a hand-off by PATCH."),
    timestamp: z.int().describe("Milliseconds since the epoch."),
    data: EVENT_DATA[type],
  });

export const SessionEventSchema = z.discriminatedUnion("type", [
  eventSchemaOf("message"),
  eventSchemaOf("text"),
  eventSchemaOf("reasoning"),
  eventSchemaOf("tool_use"),
  eventSchemaOf("tool_result"),
  eventSchemaOf("step_start"),
  eventSchemaOf("step_finish"),
  eventSchemaOf("agent_handoff"),
  eventSchemaOf("input_required"),
  eventSchemaOf("input_resolved"),
  eventSchemaOf("system"),
  eventSchemaOf("error"),
  eventSchemaOf("done"),
]);

export const EVENT_TYPES: readonly EventType[] = SessionEventSchema.options.map(
  ({ shape }) => shape.type.value,
);

/** A stored event, as clients see it. */
export type SessionEvent = z.infer<typeof SessionEventSchema>;

/** Ends a subscription and nothing else: it has no id, is not stored, and the reader's cursor is still good. */
export const SubscriptionErrorSchema = z.object({ type: z.literal("error"), data: EVENT_DATA.error });

/** The data of one server-sent event. */
export const StreamFrameSchema = z.union([SessionEventSchema, SubscriptionErrorSchema]);

/** True for the one event that ends a turn's stream. */
export function isTerminal(event: { readonly type: EventType }): boolean {
  return event.type === "done" || event.type === "error";
}
