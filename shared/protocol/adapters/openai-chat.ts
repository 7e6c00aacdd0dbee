/** OpenAI's Chat Completions and list of models, as kartad speaks them: a model is a project. */
import { z } from "zod";
import { TURN_ERROR_CODES } from "../../errors.ts";
import { PartSchema, UsageSchema } from "../../events.ts";
import { MetadataSchema } from "../metadata.ts";
import { route } from "../route.ts";
import { NoQuerySchema, NothingSchema } from "../sessions.ts";
import { SESSION_HEADER, TurnHeadersSchema } from "./headers.ts";
import { OpenAiErrorSchema, openAiErrorForm } from "./openai-errors.ts";

/** `text`, `image_url`, `refusal`; any other is refused, saying where it stands. */
export const ChatPartSchema = z.looseObject({ type: z.string() });

export const ChatMessageSchema = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: z
    .union([z.string(), z.array(ChatPartSchema)], { error: "expected a string or a list of parts" })
    .nullish(),
  name: z.string().optional(),
  tool_calls: z.array(z.looseObject({})).nullish(),
});
export type ChatMessage = z.infer<typeof ChatMessageSchema>;

/** Loose: what other parameters are for, and whether they are passed over or refused, says the adapter's table of them. */
export const ChatRequestSchema = z.looseObject({
  messages: z
    .array(ChatMessageSchema, { error: "required: the conversation, its last message a user's" })
    .min(1, { error: "expected at least one message" }),
  model: z.string().max(200).optional().describe("A project's name, `name@agent` or `name@version`."),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  metadata: MetadataSchema.nullish().describe("The session's. `session_id` names the session to go on with."),
  user: z.string().max(1000).nullish(),
  safety_identifier: z.string().max(1000).nullish(),
});
export type ChatRequest = z.infer<typeof ChatRequestSchema>;

export const ChatUsageSchema = z.object({
  prompt_tokens: UsageSchema.shape.input_tokens,
  completion_tokens: UsageSchema.shape.output_tokens,
  total_tokens: UsageSchema.shape.total_tokens,
});
export type ChatUsage = z.infer<typeof ChatUsageSchema>;

/** `length`: the turn was ended before it was done. Never `tool_calls`: a client would try to run them. */
const FinishReasonSchema = z.enum(["stop", "length"]);

/** What OpenAI's form has no place for: clients pass over the field. */
const KartaOfAnswerSchema = z.object({
  session_id: z.string(),
  turn_id: z.string(),
  agent: z.string(),
  status: z.enum(["completed", "cancelled"]),
  /** The tools that ran in the harness, with their results. */
  tools: z.array(PartSchema),
});

const choiceOf = <S extends z.ZodRawShape>(shape: S) =>
  z.object({ index: z.literal(0), ...shape, logprobs: z.null() });

export const ChatCompletionSchema = z.object({
  id: z.string(),
  object: z.literal("chat.completion"),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    choiceOf({
      message: z.object({ role: z.literal("assistant"), content: z.string(), refusal: z.null() }),
      finish_reason: FinishReasonSchema,
    }),
  ),
  usage: ChatUsageSchema,
  karta: KartaOfAnswerSchema,
});
export type ChatCompletion = z.infer<typeof ChatCompletionSchema>;

export const ChatChunkSchema = z.object({
  id: z.string(),
  object: z.literal("chat.completion.chunk"),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    choiceOf({
      delta: z.object({ role: z.literal("assistant").optional(), content: z.string().optional() }),
      finish_reason: FinishReasonSchema.nullable(),
    }),
  ),
  usage: ChatUsageSchema.nullable()
    .optional()
    .describe("With `include_usage`: null but in the last chunk, which has no choices."),
  karta: z
    .looseObject({ type: z.string() })
    .optional()
    .describe(
      "What OpenAI's form has no place for, and clients pass over: `turn` in the first chunk (session_id, turn_id), `done` in " +
        "that with the finish_reason, and the session's events of tools, hand-offs and approvals.",
    ),
});
export type ChatChunk = z.infer<typeof ChatChunkSchema>;

export const ModelSchema = z.object({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
});
export type Model = z.infer<typeof ModelSchema>;

export const openAiChatRoutes = {
  createChatCompletion: route({
    method: "POST",
    path: "/chat/completions",
    summary: "OpenAI's Chat Completions: runs one turn",
    description:
      "The messages name a conversation: the session whose thread stands where they end goes on with the last; other " +
      "histories begin a new one, with the history as context. A client that leaves ends the turn, unless it sent an " +
      "Idempotency-Key. A stream's last event is `[DONE]`.",
    status: 200,
    query: NoQuerySchema,
    headers: TurnHeadersSchema,
    body: ChatRequestSchema,
    response: ChatCompletionSchema,
    stream: z.union([ChatChunkSchema, OpenAiErrorSchema]),
    answerHeaders: { [SESSION_HEADER]: "The session that the turn ran in." },
    errors: [
      "not_found",
      "no_project",
      "project_required",
      "unknown_agent",
      "policy_refused",
      "queue_full",
      "idempotency_mismatch",
      ...TURN_ERROR_CODES,
    ],
    lateErrors: TURN_ERROR_CODES,
    errorForm: openAiErrorForm,
  }),
  listModels: route({
    method: "GET",
    path: "/models",
    summary: "OpenAI's list of models: the projects, and each one's agents",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: z.object({ object: z.literal("list"), data: z.array(ModelSchema) }),
    errors: ["not_found"],
    errorForm: openAiErrorForm,
  }),
  getModel: route({
    method: "GET",
    path: "/models/:model",
    summary: "One model",
    status: 200,
    query: NoQuerySchema,
    body: NothingSchema,
    response: ModelSchema,
    errors: ["not_found"],
    errorForm: openAiErrorForm,
  }),
} as const;
