/** OpenAI's response object, made of what was asked and what has come of it. */
import { z } from "zod";
import type { Usage } from "../../../../shared/events.ts";
import {
  ResponseMetadataSchema,
  type ResponseObject,
} from "../../../../shared/protocol/adapters/responses-object.ts";
import type { ResponseHead } from "./projection.ts";

/** What of a request its response repeats; kept with a stored one. */
export const ResponseSettingsSchema = z.object({
  /** As the client named it. */
  model: z.string(),
  instructions: z.string().nullable(),
  metadata: ResponseMetadataSchema,
  previous_response_id: z.string().nullable(),
  conversation: z.string().nullable(),
  background: z.boolean(),
  store: z.boolean(),
  reasoning: z.object({ effort: z.string().nullable(), summary: z.string().nullable() }),
  user: z.string().nullable(),
});
export type ResponseSettings = z.infer<typeof ResponseSettingsSchema>;

export interface ResponseProgress extends Pick<ResponseObject, "status" | "output" | "error"> {
  readonly usage: Usage | null;
  /** Milliseconds since the epoch. */
  readonly completedAt: number | null;
}

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

export function responseObject(
  { id, createdAt, settings }: ResponseHead,
  progress: ResponseProgress,
): ResponseObject {
  const { conversation, ...given } = settings;
  const { usage, completedAt, ...told } = progress;
  return {
    id,
    object: "response",
    created_at: seconds(createdAt),
    completed_at: completedAt === null ? null : seconds(completedAt),
    ...told,
    ...given,
    conversation: conversation === null ? null : { id: conversation },
    incomplete_details: null,
    max_output_tokens: null,
    max_tool_calls: null,
    parallel_tool_calls: true,
    prompt_cache_key: null,
    safety_identifier: null,
    service_tier: "default",
    temperature: null,
    text: { format: { type: "text" }, verbosity: null },
    tool_choice: "auto",
    tools: [],
    top_logprobs: null,
    top_p: null,
    truncation: "disabled",
    usage: usage === null ? null : usageOf(usage),
    access_programs: null,
  };
}

/** Harnesses tell sums alone: what was cached and what was reasoning is in them, and told as none. */
function usageOf({ input_tokens, output_tokens, total_tokens }: Usage): ResponseObject["usage"] {
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens,
  };
}
