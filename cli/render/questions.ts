/** The form in which Claude Code asks its user something, by a tool. */
import { z } from "zod";

export interface Question {
  /** What the answer goes under. */
  readonly text: string;
  readonly options: readonly { readonly label: string; readonly description: string }[];
  /** Several options may be chosen. */
  readonly several: boolean;
}

const QuestionsSchema = z.object({
  questions: z
    .array(
      z.object({
        question: z.string(),
        multiSelect: z.boolean().default(false),
        options: z.array(z.object({ label: z.string(), description: z.string().default("") })).default([]),
      }),
    )
    .min(1),
});

/** The questions in a tool's input; none for any other tool, and for another harness's question. */
export function questionsIn(toolInput: unknown): Question[] {
  const { data } = QuestionsSchema.safeParse(toolInput);
  return (data?.questions ?? []).map(({ question, options, multiSelect }) => ({
    text: question,
    options,
    several: multiSelect,
  }));
}
