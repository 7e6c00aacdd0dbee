/** Anthropic's Messages API, as far as an agent can keep it. What is read here is loose: parameters.ts says what becomes of the rest. */
import { z } from "zod";

/** A block of a message that is sent. Which types are taken depends on where it stands. */
export const BlockParamSchema = z.looseObject({ type: z.string() });
export type BlockParam = z.infer<typeof BlockParamSchema>;

const ContentSchema = z.union([z.string(), z.array(BlockParamSchema)], {
  error: "expected a string, or a list of content blocks",
});
export type MessageContent = z.infer<typeof ContentSchema>;

export const MessageParamSchema = z.looseObject({
  role: z.enum(["user", "assistant", "system"]),
  content: ContentSchema,
});
export type MessageParam = z.infer<typeof MessageParamSchema>;

const ThinkingParamSchema = z.looseObject({
  type: z.enum(["enabled", "disabled", "adaptive", "between_tools"]),
  display: z.enum(["summarized", "omitted"]).nullish(),
});

/** What Messages and its token count have in common. */
export const CountTokensSchema = z.looseObject({
  model: z.string().min(1).max(300),
  messages: z.array(MessageParamSchema).min(1, { error: "expected at least one message" }),
  system: ContentSchema.nullish(),
  thinking: ThinkingParamSchema.nullish(),
});
export type CountTokens = z.infer<typeof CountTokensSchema>;

export const CreateMessageSchema = CountTokensSchema.extend({
  max_tokens: z.int().min(1).optional(),
  stream: z.boolean().optional(),
  metadata: z.looseObject({ user_id: z.string().max(256).nullish() }).nullish(),
});
export type CreateMessage = z.infer<typeof CreateMessageSchema>;

export const TokenCountSchema = z.object({ input_tokens: z.int().nonnegative() });

export const TextBlockSchema = z.object({
  type: z.literal("text"),
  text: z.string(),
  citations: z.null(),
});
export const ThinkingBlockSchema = z.object({
  type: z.literal("thinking"),
  thinking: z.string(),
  /** Empty: nothing signs what a harness thinks, and nothing asks for it. */
  signature: z.string(),
});
export const ContentBlockSchema = z.union([TextBlockSchema, ThinkingBlockSchema]);
export type ContentBlock = z.infer<typeof ContentBlockSchema>;

const tokens = z.int().nonnegative();
/** What is null here Anthropic's own service tells of, and no harness. */
const MessageUsageSchema = z.object({
  input_tokens: tokens,
  output_tokens: tokens,
  cache_creation: z.null(),
  cache_creation_input_tokens: z.null(),
  cache_read_input_tokens: z.null(),
  inference_geo: z.null(),
  output_tokens_details: z.null(),
  server_tool_use: z.null(),
  service_tier: z.null(),
  speed: z.null(),
});
export type MessageUsage = z.infer<typeof MessageUsageSchema>;

/** `max_tokens`: the turn was cancelled, and the message is cut short. */
export const StopReasonSchema = z.enum(["end_turn", "max_tokens"]);
export type StopReason = z.infer<typeof StopReasonSchema>;

export const AnthropicMessageSchema = z.object({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  /** The project and its agent, however the request named them. */
  model: z.string(),
  content: z.array(ContentBlockSchema),
  stop_reason: StopReasonSchema.nullable(),
  stop_sequence: z.null(),
  stop_details: z.null(),
  container: z.null(),
  diagnostics: z.null(),
  usage: MessageUsageSchema,
});
export type AnthropicMessage = z.infer<typeof AnthropicMessageSchema>;

/** What the agent does besides speaking, for those who look: `ping` is the one event that every client passes over. */
const PingNewsSchema = z.union([
  z.object({
    type: z.literal("tool_use"),
    tool_use_id: z.string(),
    tool_name: z.string(),
    tool_input: z.unknown(),
  }),
  z.object({ type: z.literal("tool_result"), tool_use_id: z.string(), is_error: z.boolean() }),
  z.object({
    type: z.literal("input_required"),
    request_id: z.string(),
    tool: z.string(),
    message: z.string(),
  }),
  z.object({ type: z.literal("input_resolved"), request_id: z.string(), decision: z.string() }),
]);
export type PingNews = z.infer<typeof PingNewsSchema>;

const index = z.int().nonnegative();

export const MessageStreamEventSchema = z.union([
  z.object({ type: z.literal("message_start"), message: AnthropicMessageSchema }),
  z.object({ type: z.literal("content_block_start"), index, content_block: ContentBlockSchema }),
  z.object({
    type: z.literal("content_block_delta"),
    index,
    delta: z.union([
      z.object({ type: z.literal("text_delta"), text: z.string() }),
      z.object({ type: z.literal("thinking_delta"), thinking: z.string() }),
      z.object({ type: z.literal("signature_delta"), signature: z.string() }),
    ]),
  }),
  z.object({ type: z.literal("content_block_stop"), index }),
  z.object({
    type: z.literal("message_delta"),
    delta: z.object({
      stop_reason: StopReasonSchema,
      stop_sequence: z.null(),
      stop_details: z.null(),
      container: z.null(),
    }),
    usage: MessageUsageSchema.pick({
      input_tokens: true,
      output_tokens: true,
      cache_creation_input_tokens: true,
      cache_read_input_tokens: true,
      output_tokens_details: true,
      server_tool_use: true,
    }),
  }),
  z.object({ type: z.literal("message_stop") }),
  z.object({ type: z.literal("ping"), karta: PingNewsSchema.optional() }),
]);
export type MessageStreamEvent = z.infer<typeof MessageStreamEventSchema>;
