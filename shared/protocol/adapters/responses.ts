/** OpenAI's Responses API, as far as it is spoken here: its routes (OpenAI's API reference: Responses, Conversations). */
import { z } from "zod";
import { TURN_ERROR_CODES } from "../../errors.ts";
import { IdempotencyHeadersSchema } from "../headers.ts";
import { SESSION_HEADER, TurnHeadersSchema } from "./headers.ts";
import { openAiErrorForm } from "./openai-errors.ts";
import { integerText } from "../integer-text.ts";
import { route } from "../route.ts";
import { NoQuerySchema, NothingSchema } from "../sessions.ts";
import { ResponseFrameSchema } from "./responses-events.ts";
import { InputItemSchema, ResponseMetadataSchema, ResponseObjectSchema } from "./responses-object.ts";

const ID_LENGTH = 200;

/** Parameters that are ignored or refused are not named here: the table of docs/openai.md has them. */
export const CreateResponseSchema = z.looseObject({
  model: z.string().min(1).max(ID_LENGTH).nullish().describe("The project, or `project@agent`."),
  input: z.union([z.string(), z.array(z.looseObject({}))], { error: "expected a string or a list of items" }),
  instructions: z.string().max(200_000).nullish(),
  previous_response_id: z.string().max(ID_LENGTH).nullish(),
  conversation: z
    .union([z.string().max(ID_LENGTH), z.looseObject({ id: z.string().max(ID_LENGTH) })], {
      error: "expected a conversation's id, or an object with it",
    })
    .nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  metadata: ResponseMetadataSchema.nullish(),
  reasoning: z
    .looseObject({ effort: z.string().max(50).nullish(), summary: z.string().max(50).nullish() })
    .nullish(),
  user: z.string().max(1000).nullish(),
});
export type CreateResponse = z.infer<typeof CreateResponseSchema>;

export const RetrieveResponseQuerySchema = z.looseObject({
  stream: z
    .enum(["true", "false"])
    .optional()
    .describe("`true`: its events, from the first or from a later one on."),
  starting_after: integerText("a sequence number", 0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("With `stream`: the last `sequence_number` that was seen."),
});

const MOST_ITEMS = 100;
export const InputItemsQuerySchema = z.looseObject({
  after: z.string().max(ID_LENGTH).optional().describe("The `last_id` of an earlier page."),
  limit: integerText("a page size", 1, MOST_ITEMS).optional().describe("20 if not given."),
  order: z.enum(["asc", "desc"]).optional().describe("`desc` if not given."),
});
export type InputItemsQuery = z.infer<typeof InputItemsQuerySchema>;
export const InputItemPageSchema = z.object({
  object: z.literal("list"),
  data: z.array(InputItemSchema),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

export type InputItemPage = z.infer<typeof InputItemPageSchema>;

const DeletedResponseSchema = z.object({
  id: z.string(),
  object: z.literal("response"),
  deleted: z.literal(true),
});

export const CreateConversationSchema = z.looseObject({
  metadata: ResponseMetadataSchema.nullish(),
  items: z
    .array(z.unknown())
    .max(0, { error: "expected none: a conversation's first items come with its first response" })
    .nullish(),
});
export const ConversationSchema = z.object({
  id: z.string(),
  object: z.literal("conversation"),
  created_at: z.int(),
  metadata: z.record(z.string(), z.string()),
});
const DeletedConversationSchema = z.object({
  id: z.string(),
  object: z.literal("conversation.deleted"),
  deleted: z.literal(true),
});

const answerHeaders = { [SESSION_HEADER]: "The session's id, to watch it or to answer its approvals." };

export const responsesRoutes = {
  createResponse: route({
    errorForm: openAiErrorForm,
    method: "POST",
    path: "/responses",
    summary: "OpenAI Responses: run one turn",
    description:
      "The whole response as JSON, or its events with `stream: true`. A client that leaves cancels its turn, unless the " +
      "response is one of the background. A tool that needs an approval waits for one given over the native API.",
    status: 200,
    query: NoQuerySchema,
    headers: TurnHeadersSchema,
    body: CreateResponseSchema,
    response: ResponseObjectSchema,
    stream: ResponseFrameSchema,
    answerHeaders,
    errors: [
      "not_found",
      "unknown_agent",
      "policy_refused",
      "queue_full",
      "no_project",
      "project_required",
      "idempotency_mismatch",
      "cursor_expired",
      ...TURN_ERROR_CODES,
    ],
    lateErrors: TURN_ERROR_CODES,
  }),
  retrieveResponse: route({
    errorForm: openAiErrorForm,
    method: "GET",
    path: "/responses/:response_id",
    summary: "OpenAI Responses: a stored response, or its events again",
    status: 200,
    query: RetrieveResponseQuerySchema,
    body: NothingSchema,
    response: ResponseObjectSchema,
    stream: ResponseFrameSchema,
    answerHeaders,
    errors: ["storage_unavailable"],
  }),
  listInputItems: route({
    errorForm: openAiErrorForm,
    method: "GET",
    path: "/responses/:response_id/input_items",
    summary: "OpenAI Responses: what a response was asked",
    status: 200,
    query: InputItemsQuerySchema,
    body: NothingSchema,
    response: InputItemPageSchema,
    errors: ["storage_unavailable"],
  }),
  cancelResponse: route({
    errorForm: openAiErrorForm,
    method: "POST",
    path: "/responses/:response_id/cancel",
    summary: "OpenAI Responses: end a response of the background",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: ResponseObjectSchema,
    errors: ["storage_unavailable"],
  }),
  deleteResponse: route({
    errorForm: openAiErrorForm,
    method: "DELETE",
    path: "/responses/:response_id",
    summary: "OpenAI Responses: forget a response",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: DeletedResponseSchema,
    errors: ["storage_unavailable"],
  }),
  createConversation: route({
    errorForm: openAiErrorForm,
    method: "POST",
    path: "/conversations",
    summary: "OpenAI Conversations: a session, under OpenAI's name for it",
    status: 200,
    query: NoQuerySchema,
    headers: IdempotencyHeadersSchema,
    body: CreateConversationSchema,
    response: ConversationSchema,
    errors: ["not_found", "no_project", "project_required", "idempotency_mismatch", "storage_unavailable"],
  }),
  retrieveConversation: route({
    errorForm: openAiErrorForm,
    method: "GET",
    path: "/conversations/:conversation_id",
    summary: "OpenAI Conversations: one of them",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: ConversationSchema,
    errors: ["storage_unavailable"],
  }),
  deleteConversation: route({
    errorForm: openAiErrorForm,
    method: "DELETE",
    path: "/conversations/:conversation_id",
    summary: "OpenAI Conversations: end one, as a session is deleted",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: DeletedConversationSchema,
    errors: ["storage_unavailable"],
  }),
} as const;
