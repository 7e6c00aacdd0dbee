/** OpenAI's response object and the items it is made of, as kartad sends them (OpenAI's API reference: Responses). */
import { z } from "zod";
import { ToolInputSchema } from "../../events.ts";

export const OutputTextSchema = z.object({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.unknown()).describe("Always empty."),
  logprobs: z.array(z.unknown()).describe("Always empty."),
});
export type OutputText = z.infer<typeof OutputTextSchema>;

const ItemStatusSchema = z.enum(["in_progress", "completed", "incomplete"]);

export const OutputMessageSchema = z.object({
  id: z.string(),
  type: z.literal("message"),
  status: ItemStatusSchema,
  role: z.literal("assistant"),
  content: z.array(OutputTextSchema),
});

export const SummaryTextSchema = z.object({ type: z.literal("summary_text"), text: z.string() });
export const ReasoningItemSchema = z.object({
  id: z.string(),
  type: z.literal("reasoning"),
  summary: z.array(SummaryTextSchema),
});

/** A tool that the agent ran. Of all items for tools this is one that every client takes as done by the server. */
export const ToolCallItemSchema = z.object({
  id: z.string(),
  type: z.literal("mcp_call"),
  status: z.enum(["in_progress", "completed", "incomplete", "failed"]),
  server_label: z.string().describe("The MCP server's name; `karta` for the agent's own tools."),
  name: z.string(),
  arguments: z.string().describe("What the tool was given, as JSON text."),
  approval_request_id: z.null(),
  output: z.string().nullable(),
  error: z
    .object({
      type: z.literal("mcp_tool_execution_error"),
      content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
    })
    .nullable(),
});

export const OutputItemSchema = z.union([OutputMessageSchema, ReasoningItemSchema, ToolCallItemSchema]);
export type OutputItem = z.infer<typeof OutputItemSchema>;

/** What was sent, as `input_items` lists it. A picture's data is not kept. */
export const InputItemSchema = z.looseObject({ id: z.string(), type: z.string() });
export type InputItem = z.infer<typeof InputItemSchema>;

/** OpenAI's own bounds: 16 pairs, 64 and 512 characters. */
export const ResponseMetadataSchema = z
  .record(z.string().min(1).max(64), z.string({ error: "expected a string" }).max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, { error: "expected at most 16 keys" })
  .meta({ maxProperties: 16 });

export const ResponseUsageSchema = z.object({
  input_tokens: z.int(),
  input_tokens_details: z.object({ cached_tokens: z.int(), cache_write_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.object({ reasoning_tokens: z.int() }),
  total_tokens: z.int(),
});

/** `server_error` or `rate_limit_exceeded`: OpenAI's clients know a closed list. The message ends in Karta's own code. */
export const ResponseFailureSchema = z.object({
  code: z.enum(["server_error", "rate_limit_exceeded"]),
  message: z.string(),
});

export const ResponseStatusSchema = z.enum(["queued", "in_progress", "completed", "failed", "cancelled"]);
export type ResponseStatus = z.infer<typeof ResponseStatusSchema>;

const EffortSchema = z.string().max(50).nullable();

/** What does not apply to an agent is there as null, since clients read it. */
export const ResponseObjectSchema = z.object({
  id: z.string(),
  object: z.literal("response"),
  created_at: z.int().describe("Seconds since the epoch."),
  status: ResponseStatusSchema,
  background: z.boolean(),
  completed_at: z.int().nullable(),
  conversation: z.object({ id: z.string() }).nullable(),
  error: ResponseFailureSchema.nullable(),
  incomplete_details: z.null(),
  instructions: z.string().nullable(),
  max_output_tokens: z.null(),
  max_tool_calls: z.null(),
  metadata: ResponseMetadataSchema,
  model: z.string(),
  output: z.array(OutputItemSchema),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.null(),
  reasoning: z.object({ effort: EffortSchema, summary: z.string().nullable() }),
  safety_identifier: z.null(),
  service_tier: z.literal("default"),
  store: z.boolean(),
  temperature: z.null(),
  text: z.object({ format: z.object({ type: z.literal("text") }), verbosity: z.null() }),
  tool_choice: z.literal("auto"),
  tools: z.array(ToolInputSchema).describe("Always empty: the agent has its own."),
  top_logprobs: z.null(),
  top_p: z.null(),
  truncation: z.literal("disabled"),
  usage: ResponseUsageSchema.nullable(),
  user: z.string().nullable(),
  access_programs: z.null(),
});
export type ResponseObject = z.infer<typeof ResponseObjectSchema>;
