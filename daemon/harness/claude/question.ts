/** Claude Code asks its user questions through a tool of its own; the host answers by filling `answers` into its input. */
import { z } from "zod";

export const QUESTION_TOOL = "AskUserQuestion";

const InputSchema = z.object({
  questions: z
    .array(z.object({ question: z.string(), options: z.array(z.object({ label: z.string() })).optional() }))
    .min(1),
});

/** The questions in words, and what the first offers. Null when the input is not of the form we know. */
export function readQuestion(
  input: unknown,
): { readonly text: string; readonly options: readonly string[] } | null {
  const { data } = InputSchema.safeParse(input);
  if (data === undefined) return null;
  return {
    text: data.questions.map(({ question }) => question).join("\n"),
    options: data.questions[0]?.options?.map(({ label }) => label) ?? [],
  };
}
