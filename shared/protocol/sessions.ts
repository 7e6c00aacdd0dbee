/** Sessions and turns as the public API shows them (spec: http-api, Sessions and Messages). */
import { z } from "zod";
import { MessageSchema, ParticipantSchema, SessionEventSchema, UsageSchema } from "../events.ts";
import { integerText } from "./integer-text.ts";
import { LIMITS } from "./limits.ts";
import { MessagePageSchema, MessagesQuerySchema } from "./messages.ts";
import { MetadataPatchSchema, MetadataSchema, type Metadata } from "./metadata.ts";
import { AddParticipantSchema, ParticipantNameSchema, ParticipantTypeSchema } from "./participants.ts";
import { route } from "./route.ts";

export { LIMITS, MetadataSchema };
export type { Metadata };

export const NothingSchema = z.undefined();
export const NoQuerySchema = z.object({});

export const PermissionModeSchema = z.enum(["interactive", "autonomous"]);
export type PermissionMode = z.infer<typeof PermissionModeSchema>;

/** How a project is named everywhere: lowercase letters, digits and hyphens, 1 to 63, no hyphen at an end. */
export const ProjectNameSchema = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
  error: "expected 1 to 63 lowercase letters, digits and hyphens, with no hyphen at either end",
});
const AgentNameSchema = z.string().min(1).max(200);

/** A turn that has not ended. `queued` waits for its place, `awaiting_input` for an approval. */
export const LiveTurnStateSchema = z.enum(["queued", "running", "awaiting_input"]);
export type LiveTurnState = z.infer<typeof LiveTurnStateSchema>;

export const PendingInputSchema = z.object({
  request_id: z.string(),
  kind: z.enum(["tool_use", "question"]),
  tool: z.string(),
  tool_input: z.unknown(),
  message: z.string(),
  options: z.array(z.string()),
  expires_at: z.string(),
});
export type PendingInput = z.infer<typeof PendingInputSchema>;

/** An answer to a pending input. `answers` is for questions: the question's text → the chosen option, or own words. */
export const InputAnswerSchema = z.strictObject({
  decision: z.enum(["approve_once", "approve_session", "deny"]),
  /** With `deny`: what the agent is told. */
  message: z.string().min(1).max(10_000).optional(),
  answers: z.record(z.string().max(2000), z.string().max(10_000)).optional(),
});
export type InputAnswer = z.infer<typeof InputAnswerSchema>;
export const ResolveInputSchema = InputAnswerSchema.extend({ stream: z.boolean().optional() });

export const SessionSchema = z.object({
  id: z.string(),
  /** Repeats `id`: the tutorial's browser code reads it. */
  session_id: z.string(),
  project: z.object({ ref: z.string(), version: z.string() }),
  metadata: MetadataSchema,
  current_agent: z.string(),
  status: z.enum(["active", "archived"]),
  turn: z
    .object({ id: z.string(), state: LiveTurnStateSchema, started_at: z.string().nullable() })
    .nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  parent_id: z.string().nullable(),
  pending_input: PendingInputSchema.nullable(),
  permission_mode: PermissionModeSchema,
  participants: z.array(ParticipantSchema),
  last_seq: z.int().nonnegative(),
  usage: UsageSchema,
});
export type Session = z.infer<typeof SessionSchema>;

export const CreateSessionSchema = z.strictObject({
  metadata: MetadataSchema.optional(),
  session_id: z.string().max(100).optional(),
  project: z.string().max(100).optional(),
  agent: AgentNameSchema.optional(),
  permission_mode: PermissionModeSchema.optional(),
  parent_id: z.string().max(100).optional(),
});
export type CreateSession = z.infer<typeof CreateSessionSchema>;

/** What is left out stays as it is. */
export const PatchSessionSchema = z.strictObject({
  metadata: MetadataPatchSchema.optional(),
  /** A hand-off: who answers the messages that name no agent, from the next turn on. */
  current_agent: AgentNameSchema.optional(),
  permission_mode: PermissionModeSchema.optional(),
});
export type PatchSession = z.infer<typeof PatchSessionSchema>;

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

export const ListSessionsQuerySchema = z.looseObject({
  project: z.string().max(100).optional(),
  status: z.enum(["active", "archived"]).optional(),
  limit: integerText("a page size", 1, LIMITS.pageSize).optional(),
  cursor: z.string().max(500).optional(),
});
export type ListSessionsQuery = z.infer<typeof ListSessionsQuerySchema>;

export const SessionPageSchema = z.object({
  data: z.array(SessionSchema),
  next_cursor: z.string().nullable(),
});
export type SessionPage = z.infer<typeof SessionPageSchema>;

export const StreamQuerySchema = z.object({
  /** `system` shows harness internals too. */
  include: z.string().max(100).optional(),
});

export const EventsQuerySchema = z.looseObject({
  after: integerText("a seq", 0, Number.MAX_SAFE_INTEGER).optional(),
  follow: z.enum(["true", "false"]).optional(),
  limit: integerText("a page size", 1, LIMITS.eventPageSize).optional(),
  /** `system` shows harness internals too. */
  include: z.string().max(100).optional(),
});
export const EventPageSchema = z.object({
  data: z.array(SessionEventSchema),
  next_after: z.int().nonnegative(),
});
export type EventPage = z.infer<typeof EventPageSchema>;

/** On a streamed turn's answer: the turn's id, so that it can be cancelled while it waits and has no events yet. */
export const TURN_HEADER = "karta-turn-id";

/** Paths are relative to a family's base: `/v1`, or `/v1/projects/:ref`. */
export const sessionRoutes = {
  resolveInput: route({
    method: "PUT",
    path: "/sessions/:id/inputs/:request_id",
    summary: "Answer an approval or a question; answers with what the turn does next",
    status: 200,
    query: NoQuerySchema,
    body: ResolveInputSchema,
    response: z.object({ session: SessionSchema, events: z.array(SessionEventSchema) }),
  }),
  createSession: route({
    method: "POST",
    path: "/sessions",
    summary: "Create a session, or resume the one named by session_id",
    status: 201,
    query: NoQuerySchema,
    body: CreateSessionSchema,
    response: SessionSchema,
  }),
  listSessions: route({
    method: "GET",
    path: "/sessions",
    summary: "List sessions, newest first",
    status: 200,
    query: ListSessionsQuerySchema,
    body: NothingSchema,
    response: SessionPageSchema,
  }),
  getSession: route({
    method: "GET",
    path: "/sessions/:id",
    summary: "One session",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: SessionSchema,
  }),
  patchSession: route({
    method: "PATCH",
    path: "/sessions/:id",
    summary: "Change metadata (merged; null deletes a key), current_agent or permission_mode",
    status: 200,
    query: NoQuerySchema,
    body: PatchSessionSchema,
    response: SessionSchema,
  }),
  addParticipant: route({
    method: "POST",
    path: "/sessions/:id/participants",
    summary: "Add a participant, or change the known one of that name",
    status: 201,
    query: NoQuerySchema,
    body: AddParticipantSchema,
    response: ParticipantSchema,
  }),
  deleteSession: route({
    method: "DELETE",
    path: "/sessions/:id",
    summary: "End the session's process and archive the handle",
    status: 204,
    query: NoQuerySchema,
    body: NothingSchema,
    response: NothingSchema,
  }),
  cancelTurn: route({
    method: "POST",
    path: "/sessions/:id/cancel",
    summary: "Cancel the running turn, or the one named by turn_id",
    status: 202,
    query: NoQuerySchema,
    body: CancelTurnSchema,
    response: z.object({ turn_id: z.string() }),
  }),
  warmSession: route({
    method: "POST",
    path: "/sessions/:id/warm",
    summary: "Get a process ready now, so that the next turn starts warm",
    status: 202,
    query: NoQuerySchema,
    body: NothingSchema,
    response: NothingSchema,
  }),
  sendMessage: route({
    method: "POST",
    path: "/sessions/:id/messages",
    summary: "Run one turn: JSON, or server-sent events with stream: true",
    status: 200,
    query: StreamQuerySchema,
    body: SendMessageSchema,
    response: TurnResultSchema,
  }),
  listMessages: route({
    method: "GET",
    path: "/sessions/:id/messages",
    summary: "The conversation, oldest first, as the harness keeps it",
    status: 200,
    query: MessagesQuerySchema,
    body: NothingSchema,
    response: MessagePageSchema,
  }),
  events: route({
    method: "GET",
    path: "/sessions/:id/events",
    summary: "Watch the session's events, or page through them with follow=false",
    status: 200,
    query: EventsQuerySchema,
    body: NothingSchema,
    response: EventPageSchema,
  }),
} as const;
