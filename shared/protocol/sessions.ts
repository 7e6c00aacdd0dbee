/** Sessions and turns as the public API shows them (spec: http-api, Sessions and Messages). */
import { z } from "zod";
import { MessageSchema, ParticipantSchema, SessionEventSchema, UsageSchema } from "../events.ts";
import { route } from "./route.ts";

/** Limits that the spec fixes. */
export const LIMITS = {
  metadataKeys: 50,
  metadataKeyLength: 128,
  metadataStringLength: 4096,
  textLength: 200_000,
  /** Turns that may wait behind the running one. */
  waitingTurns: 16,
  /** Bytes of a tool result's text. */
  toolResultBytes: 32 * 1024,
  pageSize: 200,
  /** Events in one page of `follow=false`. */
  eventPageSize: 1000,
} as const;

export const NothingSchema = z.undefined();
export const NoQuerySchema = z.object({});

const metadataValue = z.union(
  [z.string().max(LIMITS.metadataStringLength), z.number(), z.boolean(), z.null()],
  {
    error: "expected a string, number, boolean or null",
  },
);
const metadataKey = z.string().min(1).max(LIMITS.metadataKeyLength);
// A record passes over this key: it would be lost without a word.
const withoutProto = z
  .unknown()
  .refine((input) => typeof input !== "object" || input === null || !Object.hasOwn(input, "__proto__"), {
    error: "__proto__ cannot be a key",
  });
export const MetadataSchema = withoutProto
  .pipe(z.record(metadataKey, metadataValue, { error: "expected an object of JSON scalars" }))
  .refine((metadata) => Object.keys(metadata).length <= LIMITS.metadataKeys, {
    error: (issue) =>
      `expected at most ${LIMITS.metadataKeys} keys, found ${Object.keys(issue.input ?? {}).length}`,
  });
export type Metadata = z.infer<typeof MetadataSchema>;

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
  participant_name: z.string().min(1).max(100).optional(),
  participant_type: z.enum(["human", "ai"]).optional(),
  thinking: z.boolean().optional(),
});
export type SendMessage = z.infer<typeof SendMessageSchema>;

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

const integerText = (what: string, minimum: number, maximum: number) =>
  z.coerce
    .number({ error: `expected ${what}: a whole number from ${minimum} to ${maximum}` })
    .int({ error: `expected ${what}: a whole number` })
    .min(minimum, { error: `expected ${what}: at least ${minimum}` })
    .max(maximum, { error: `expected ${what}: at most ${maximum}` });

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
    summary: "Cancel the running turn",
    status: 202,
    query: NoQuerySchema,
    body: NothingSchema,
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
