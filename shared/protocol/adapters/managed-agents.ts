/**
 * Karta's managed-agents wire (spec: managed-agents), which its own browser clients speak. Bodies may hold fields that
 * this kartad does not know: a client that speaks to newer ones too is not refused for them.
 */
import { z } from "zod";
import { PartSchema, TimeSchema } from "../../events.ts";
import { CursorHeadersSchema, IdempotencyHeadersSchema } from "../headers.ts";
import { integerText } from "../integer-text.ts";
import { LIMITS } from "../limits.ts";
import { MetadataSchema } from "../metadata.ts";
import { route } from "../route.ts";
import { InputAnswerSchema, SendMessageSchema } from "../turns.ts";
import { WireEventSchema } from "./managed-agents-events.ts";

export * from "./managed-agents-events.ts";

/** Under this key of a session's metadata its end user is kept. */
export const END_USER = "end_user";

const EndUserSchema = z.string().min(1).max(500);
const Nothing = z.undefined();
const NoQuery = z.object({});

/** `requires_action` counts as idle: the session waits for its people. */
const StatusSchema = z.enum(["idle", "running"]);

export const NewConversationSchema = z.object({
  metadata: MetadataSchema.optional(),
  end_user: EndUserSchema.optional().describe("Kept as `metadata.end_user`."),
});
export type NewConversation = z.infer<typeof NewConversationSchema>;

const ConversationsQuerySchema = z.object({
  end_user: EndUserSchema.optional().describe("Whose. Needed unless a token says it."),
  limit: integerText("a page size", 1, LIMITS.pageSize).optional().describe("50 if not given."),
  cursor: z.string().max(500).optional().describe("The `next_cursor` of an earlier page."),
});

export const ConversationSummarySchema = z.object({
  id: z.string(),
  title: z.string().describe("The first message, shortened; empty before there is one."),
  created_at: TimeSchema,
  last_activity_at: TimeSchema,
});
export type ConversationSummary = z.infer<typeof ConversationSummarySchema>;

/** What a client posts. */
export const ClientEventSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("user.message"), text: SendMessageSchema.shape.text }),
    z.object({
      type: z.literal("user.tool_confirmation"),
      request_id: z.string().min(1).max(100),
      result: z
        .enum(["approve_once", "approve_session", "deny", "allow"])
        .describe("`allow` is `approve_once`."),
      message: InputAnswerSchema.shape.message,
      answers: InputAnswerSchema.shape.answers.describe("For a question: its `target` → the chosen option."),
    }),
    z.object({ type: z.literal("user.interrupt") }),
  ],
  { error: "expected one of: user.message, user.tool_confirmation, user.interrupt" },
);
export type ClientEvent = z.infer<typeof ClientEventSchema>;

export const UploadSchema = z.object({
  name: z.string().min(1).max(1000).describe("Only its last part counts, with what a file name may hold."),
  content_base64: z.base64({ error: "expected standard base64, padded and without line breaks" }),
});

export const TranscriptSchema = z.object({
  messages: z.array(
    z.object({ id: z.string(), role: z.enum(["user", "assistant"]), parts: z.array(PartSchema) }),
  ),
  truncated: z.boolean().optional().describe("The oldest messages are left out: there are too many."),
  unavailable: z
    .string()
    .optional()
    .describe("Why there is nothing to show, where there should be something."),
});

/** Paths are relative to a project's base: `/v1/projects/:ref`, or `/:org/:ref/v1`. */
export const managedAgentsRoutes = {
  createManagedSession: route({
    method: "POST",
    path: "/managed-agents/sessions",
    summary: "Create a session",
    status: 201,
    query: NoQuery,
    headers: IdempotencyHeadersSchema,
    body: NewConversationSchema,
    response: z.object({ id: z.string(), status: StatusSchema }),
    errors: ["idempotency_mismatch", "storage_unavailable"],
  }),
  listManagedSessions: route({
    method: "GET",
    path: "/managed-agents/sessions",
    summary: "One end user's sessions, newest first",
    status: 200,
    query: ConversationsQuerySchema,
    body: Nothing,
    response: z.object({
      data: z.array(ConversationSummarySchema),
      next_cursor: z.string().nullable(),
    }),
    errors: ["storage_unavailable"],
  }),
  getManagedSession: route({
    method: "GET",
    path: "/managed-agents/sessions/:id",
    summary: "A session's status and its events so far",
    status: 200,
    query: z.object({
      after: integerText("a seq", 0, Number.MAX_SAFE_INTEGER).optional().describe("Events after it alone."),
    }),
    body: Nothing,
    response: z.object({ id: z.string(), status: StatusSchema, events: z.array(WireEventSchema) }),
    errors: ["storage_unavailable"],
  }),
  postManagedEvent: route({
    method: "POST",
    path: "/managed-agents/sessions/:id/events",
    summary: "Send a message, answer a request, or interrupt",
    status: 202,
    query: NoQuery,
    headers: IdempotencyHeadersSchema,
    body: ClientEventSchema,
    response: z.object({ accepted: z.literal(true) }),
    errors: [
      "policy_refused",
      "queue_full",
      "idempotency_mismatch",
      "input_already_resolved",
      "no_turn_running",
      "harness_unavailable",
      "budget_exhausted",
      "shutting_down",
      "storage_unavailable",
    ],
  }),
  streamManagedEvents: route({
    method: "GET",
    path: "/managed-agents/sessions/:id/events/stream",
    summary: "Events after a seq, as server-sent events, up to the turn's end or its next request",
    description:
      "Closes after the turn's terminal event, and after a `requires_action`. What ended before the stream was opened does " +
      "not close it. A stream that ends without either was cut off: open it again with the last `seq`.",
    status: 200,
    query: z.object({
      after: integerText("a seq", 0, Number.MAX_SAFE_INTEGER).optional().describe("0 if not given."),
    }),
    headers: CursorHeadersSchema,
    body: Nothing,
    response: Nothing,
    stream: WireEventSchema,
    errors: ["cursor_expired", "storage_unavailable"],
  }),
  getManagedTranscript: route({
    method: "GET",
    path: "/managed-agents/sessions/:id/transcript",
    summary: "The conversation, oldest first, as the harness keeps it",
    status: 200,
    query: z.object({ end_user: EndUserSchema.optional().describe("Another user's session is 404.") }),
    body: Nothing,
    response: TranscriptSchema,
    errors: ["storage_unavailable"],
  }),
  uploadManagedFile: route({
    method: "POST",
    path: "/managed-agents/sessions/:id/files",
    summary: "Put a file into the session's workspace, under `uploads/`",
    status: 200,
    query: NoQuery,
    body: UploadSchema,
    response: z.object({ path: z.string().describe("Relative to the workspace.") }),
    errors: ["uploads_full", "harness_unavailable", "shutting_down", "storage_unavailable"],
  }),
} as const;
