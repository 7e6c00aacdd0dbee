/** Anthropic's list of models: here, the projects and their agents. */
import { z } from "zod";
import { TimeSchema } from "../../../events.ts";
import { integerText } from "../../integer-text.ts";

export const ModelInfoSchema = z.object({
  id: z.string().describe("`PROJECT`, or `PROJECT@AGENT`."),
  type: z.literal("model"),
  display_name: z.string(),
  created_at: TimeSchema,
  lifecycle: z.literal("active"),
  capabilities: z.null(),
  deprecated_at: z.null(),
  line: z.null(),
  max_input_tokens: z.null(),
  max_tokens: z.null(),
  retires_at: z.null(),
});
export type ModelInfo = z.infer<typeof ModelInfoSchema>;

export const ModelsQuerySchema = z.looseObject({
  limit: integerText("a page size", 1, 1000).optional(),
  after_id: z.string().max(300).optional(),
  before_id: z.string().max(300).optional(),
});

export const ModelPageSchema = z.object({
  data: z.array(ModelInfoSchema),
  has_more: z.boolean(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
});
export type ModelPage = z.infer<typeof ModelPageSchema>;
