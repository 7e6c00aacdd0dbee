/** Sessions and turns as the public API shows them (spec: http-api, Sessions and Messages). */
import { z } from "zod";
import { TURN_ERROR_CODES } from "../errors.ts";
import {
  ParticipantSchema,
  SessionEventSchema,
  StreamFrameSchema,
  TimeSchema,
  UsageSchema,
} from "../events.ts";
import { CursorHeadersSchema, IdempotencyHeadersSchema } from "./headers.ts";
import { integerText } from "./integer-text.ts";
import { LIMITS } from "./limits.ts";
import { MessagePageSchema, MessagesQuerySchema } from "./messages.ts";
import { MetadataPatchSchema, MetadataSchema, type Metadata } from "./metadata.ts";
import { AddParticipantSchema } from "./participants.ts";
import { route } from "./route.ts";
import {
  AgentNameSchema,
  CancelTurnSchema,
  EventPageSchema,
  EventsQuerySchema,
  LiveTurnStateSchema,
  PendingInputSchema,
  ResolveInputSchema,
  SendMessageSchema,
  StreamQuerySchema,
  TURN_HEADER,
  TurnResultSchema,
} from "./turns.ts";

export { LIMITS, MetadataSchema };
export type { Metadata };
export * from "./turns.ts";

export const NothingSchema = z.undefined();
export const NoQuerySchema = z.object({});

export const PermissionModeSchema = z.enum(["interactive", "autonomous"]);
export type PermissionMode = z.infer<typeof PermissionModeSchema>;

/** How a project is named everywhere: lowercase letters, digits and hyphens, 1 to 63, no hyphen at an end. */
export const ProjectNameSchema = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
  error: "expected 1 to 63 lowercase letters, digits and hyphens, with no hyphen at either end",
});
export const SessionSchema = z.object({
  id: z.string(),
  session_id: z.string().describe("Repeats `id`."), // the tutorial's browser code reads it
  project: z.object({ ref: z.string(), version: z.string() }),
  metadata: MetadataSchema,
  current_agent: z.string(),
  status: z.enum(["active", "archived"]),
  turn: z
    .object({ id: z.string(), state: LiveTurnStateSchema, started_at: TimeSchema.nullable() })
    .nullable(),
  created_at: TimeSchema,
  updated_at: TimeSchema,
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

export const ListSessionsQuerySchema = z
  .looseObject({
    project: z.string().max(100).optional(),
    status: z.enum(["active", "archived"]).optional().describe("`active` if not given."),
    limit: integerText("a page size", 1, LIMITS.pageSize).optional(),
    cursor: z.string().max(500).optional().describe("The `next_cursor` of an earlier page."),
  })
  .meta({ patternProperties: { "^metadata\\.": { type: "string" } } }); // `metadata.KEY=VALUE`: the route reads them

export const SessionPageSchema = z.object({
  data: z.array(SessionSchema),
  next_cursor: z.string().nullable(),
});
export type SessionPage = z.infer<typeof SessionPageSchema>;

/** Paths are relative to a family's base: `/v1`, or `/v1/projects/:ref`. */
export const sessionRoutes = {
  resolveInput: route({
    method: "PUT",
    path: "/sessions/:id/inputs/:request_id",
    summary: "Answer an approval or a question; answers with what the turn does next",
    description:
      "The stream that was open when the turn paused goes on too. An answer is taken once; a late one is 409.",
    status: 200,
    query: NoQuerySchema,
    body: ResolveInputSchema,
    response: z.object({ session: SessionSchema, events: z.array(SessionEventSchema) }),
    stream: StreamFrameSchema,
    errors: ["input_already_resolved", "storage_unavailable"],
  }),
  createSession: route({
    method: "POST",
    path: "/sessions",
    summary: "Create a session, or resume the one named by session_id",
    description:
      "With no `project`: the default one, else the only one registered. With a `session_id` nothing is created: the " +
      "answer is that session.",
    status: 201,
    query: NoQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: CreateSessionSchema,
    response: SessionSchema,
    errors: [
      "not_found",
      "no_project",
      "project_required",
      "unknown_agent",
      "idempotency_mismatch",
      "storage_unavailable",
    ],
  }),
  listSessions: route({
    method: "GET",
    path: "/sessions",
    summary: "List sessions, newest first",
    status: 200,
    query: ListSessionsQuerySchema,
    body: NothingSchema,
    response: SessionPageSchema,
    errors: ["storage_unavailable"],
  }),
  getSession: route({
    method: "GET",
    path: "/sessions/:id",
    summary: "One session",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: SessionSchema,
    errors: ["storage_unavailable"],
  }),
  patchSession: route({
    method: "PATCH",
    path: "/sessions/:id",
    summary: "Change metadata (merged; null deletes a key), current_agent or permission_mode",
    status: 200,
    query: NoQuerySchema,
    body: PatchSessionSchema,
    response: SessionSchema,
    errors: ["unknown_agent", "storage_unavailable"],
  }),
  addParticipant: route({
    method: "POST",
    path: "/sessions/:id/participants",
    summary: "Add a participant, or change the known one of that name",
    status: 201,
    query: NoQuerySchema,
    body: AddParticipantSchema,
    response: ParticipantSchema,
    errors: ["storage_unavailable"],
  }),
  deleteSession: route({
    method: "DELETE",
    path: "/sessions/:id",
    summary: "End the session's process and archive the handle",
    status: 204,
    query: NoQuerySchema,
    body: NothingSchema,
    response: NothingSchema,
    errors: ["storage_unavailable"],
  }),
  cancelTurn: route({
    method: "POST",
    path: "/sessions/:id/cancel",
    summary: "Cancel the running turn, or the one named by turn_id",
    status: 202,
    query: NoQuerySchema,
    body: CancelTurnSchema,
    response: z.object({ turn_id: z.string() }),
    errors: ["no_turn_running", "storage_unavailable"],
  }),
  warmSession: route({
    method: "POST",
    path: "/sessions/:id/warm",
    summary: "Get a process ready now, so that the next turn starts warm",
    status: 202,
    query: NoQuerySchema,
    body: NothingSchema,
    response: NothingSchema,
    errors: ["harness_unavailable", "shutting_down", "storage_unavailable"],
  }),
  sendMessage: route({
    method: "POST",
    path: "/sessions/:id/messages",
    summary: "Run one turn: JSON, or server-sent events with stream: true",
    description:
      "A session runs one turn at a time; up to 16 more wait in order. A stream ends after exactly one terminal event, " +
      "`done` or `error`. A client that leaves does not stop the turn: it reads on from its cursor by the events route.",
    status: 200,
    query: StreamQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: SendMessageSchema,
    response: TurnResultSchema,
    stream: StreamFrameSchema,
    answerHeaders: { [TURN_HEADER]: "The turn's id, on a stream: to cancel it while it has no events yet." },
    errors: [
      "unknown_agent",
      "policy_refused",
      "queue_full",
      "idempotency_mismatch",
      "cursor_expired",
      ...TURN_ERROR_CODES,
    ],
    lateErrors: TURN_ERROR_CODES,
  }),
  listMessages: route({
    method: "GET",
    path: "/sessions/:id/messages",
    summary: "The conversation, oldest first, as the harness keeps it",
    status: 200,
    query: MessagesQuerySchema,
    body: NothingSchema,
    response: MessagePageSchema,
    errors: ["storage_unavailable"],
  }),
  events: route({
    method: "GET",
    path: "/sessions/:id/events",
    summary: "Watch the session's events, or page through them with follow=false",
    description:
      "Server-sent events of everything in the session from now on; `after` or `Last-Event-ID` replays first, with no gap " +
      "and no duplicate. The same path upgrades to a WebSocket: one JSON event a message, the same cursor.",
    status: 200,
    query: EventsQuerySchema,
    headers: CursorHeadersSchema,
    body: NothingSchema,
    response: EventPageSchema,
    stream: StreamFrameSchema,
    errors: ["cursor_expired", "shutting_down", "storage_unavailable"],
  }),
} as const;
