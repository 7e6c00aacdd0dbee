/** The events of a streamed response (OpenAI's API reference: Responses, streaming events). */
import { z } from "zod";
import {
  OutputItemSchema,
  OutputTextSchema,
  ResponseObjectSchema,
  SummaryTextSchema,
} from "./responses-object.ts";

const sequence_number = z
  .int()
  .nonnegative()
  .describe("Grows by 1 from 0; the same for a replay as it was live.");
const item_id = z.string();
const output_index = z.int().nonnegative();
const content_index = z.literal(0);
const summary_index = z.literal(0);

const ofResponse = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), sequence_number, response: ResponseObjectSchema });
const ofItem = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), sequence_number, output_index, item: OutputItemSchema });
const ofToolCall = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), sequence_number, item_id, output_index });

const content = { sequence_number, item_id, output_index, content_index };
const summary = { sequence_number, item_id, output_index, summary_index };
const logprobs = z.array(z.unknown()).describe("Always empty.");

export const ResponseEventSchema = z.union([
  ofResponse("response.created"),
  ofResponse("response.queued"),
  ofResponse("response.in_progress"),
  ofResponse("response.completed"),
  ofResponse("response.failed"),
  ofResponse("response.incomplete"),
  ofItem("response.output_item.added"),
  ofItem("response.output_item.done"),
  z.object({ type: z.literal("response.content_part.added"), ...content, part: OutputTextSchema }),
  z.object({ type: z.literal("response.content_part.done"), ...content, part: OutputTextSchema }),
  z.object({ type: z.literal("response.output_text.delta"), ...content, delta: z.string(), logprobs }),
  z.object({ type: z.literal("response.output_text.done"), ...content, text: z.string(), logprobs }),
  z.object({
    type: z.literal("response.reasoning_summary_part.added"),
    ...summary,
    part: SummaryTextSchema,
  }),
  z.object({ type: z.literal("response.reasoning_summary_part.done"), ...summary, part: SummaryTextSchema }),
  z.object({ type: z.literal("response.reasoning_summary_text.delta"), ...summary, delta: z.string() }),
  z.object({ type: z.literal("response.reasoning_summary_text.done"), ...summary, text: z.string() }),
  ofToolCall("response.mcp_call.in_progress"),
  ofToolCall("response.mcp_call.completed"),
  ofToolCall("response.mcp_call.failed"),
  ofToolCall("response.mcp_call_arguments.delta").extend({ delta: z.string() }),
  ofToolCall("response.mcp_call_arguments.done").extend({ arguments: z.string() }),
]);
export type ResponseEvent = z.infer<typeof ResponseEventSchema>;

/** Ends the stream, not the response: it is not stored, and the response can be read again. */
export const ResponseErrorEventSchema = z.object({
  type: z.literal("error"),
  sequence_number,
  code: z.string(),
  message: z.string(),
  param: z.null(),
});

/** The data of one server-sent event. */
export const ResponseFrameSchema = z.union([ResponseEventSchema, ResponseErrorEventSchema]);
export type ResponseFrame = z.infer<typeof ResponseFrameSchema>;
