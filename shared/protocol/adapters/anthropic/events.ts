/** Events of a managed session, as Anthropic's Managed Agents write them. */
import { z } from "zod";
import { TimeSchema } from "../../../events.ts";
import { SessionAgentSchema } from "./agents.ts";

const TextSchema = z.object({ type: z.literal("text"), text: z.string() });
const id = z.string().describe("Names the event: the same on the stream and in the list.");
const input = z.record(z.string(), z.unknown());

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ id, type: z.literal(type), processed_at: TimeSchema, ...shape });

/** Null in the answer to who sent it: the agent has not heard it yet. */
const sent = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ id, type: z.literal(type), processed_at: TimeSchema.nullable(), ...shape });

/** `retrying` is never told: what the harness tries again by itself is its own matter. */
const RetryStatusSchema = z.object({ type: z.literal("exhausted") });

const SessionErrorSchema = z.object({
  type: z.enum(["unknown_error", "model_request_failed_error", "billing_error"]),
  message: z.string(),
  retry_status: RetryStatusSchema,
});

const StopReasonSchema = z.union([
  z.object({ type: z.literal("end_turn") }),
  z.object({ type: z.literal("retries_exhausted") }),
  z.object({ type: z.literal("requires_action"), event_ids: z.array(z.string()) }),
]);
export type IdleReason = z.infer<typeof StopReasonSchema>;

/** What a client sent, as it comes back. */
export const SentEventSchema = z.union([
  sent("user.message", { content: z.array(TextSchema) }),
  sent("user.interrupt", {}),
  sent("user.tool_confirmation", {
    tool_use_id: z.string(),
    result: z.enum(["allow", "deny"]),
    deny_message: z.string().optional(),
  }),
  sent("user.custom_tool_result", { custom_tool_use_id: z.string(), is_error: z.boolean() }),
  sent("system.message", { content: z.array(TextSchema) }),
]);
export type SentEvent = z.infer<typeof SentEventSchema>;

const AgentEventSchema = z.union([
  event("agent.message", { content: z.array(TextSchema) }),
  event("agent.thinking", {}),
  event("agent.tool_use", { name: z.string(), input, evaluated_permission: z.literal("ask").optional() }),
  event("agent.mcp_tool_use", {
    mcp_server_name: z.string(),
    name: z.string(),
    input,
    evaluated_permission: z.literal("ask").optional(),
  }),
  event("agent.custom_tool_use", { name: z.string(), input }),
  event("agent.tool_result", {
    tool_use_id: z.string(),
    content: z.array(TextSchema),
    is_error: z.boolean(),
  }),
  event("agent.mcp_tool_result", {
    mcp_tool_use_id: z.string(),
    content: z.array(TextSchema),
    is_error: z.boolean(),
  }),
]);

const StatusEventSchema = z.union([
  event("session.status_running", {}),
  event("session.status_idle", { stop_reason: StopReasonSchema, stop_details: z.null() }),
  event("session.status_terminated", {}),
  event("session.error", { error: SessionErrorSchema }),
  event("session.updated", { agent: SessionAgentSchema }),
]);

export const ManagedEventSchema = z.union([SentEventSchema, AgentEventSchema, StatusEventSchema]);
export type ManagedEvent = z.infer<typeof ManagedEventSchema>;

/** Only for a connection that asked for them: not in the list, and not kept. */
const PreviewSchema = z.union([
  z.object({
    type: z.literal("event_start"),
    event: z.object({ type: z.enum(["agent.message", "agent.thinking"]), id: z.string() }),
  }),
  z.object({
    type: z.literal("event_delta"),
    event_id: z.string(),
    delta: z.object({ type: z.literal("content_delta"), index: z.literal(0), content: TextSchema }),
  }),
]);
export type Preview = z.infer<typeof PreviewSchema>;

export const ManagedStreamEventSchema = z.union([
  ManagedEventSchema,
  PreviewSchema,
  z.object({ type: z.literal("ping") }),
]);
export type ManagedStreamEvent = z.infer<typeof ManagedStreamEventSchema>;

export const ManagedEventPageSchema = z.object({
  data: z.array(ManagedEventSchema),
  next_page: z.string().nullable(),
});

export const SentEventsSchema = z.object({ data: z.array(SentEventSchema) });
