/** The keys of `offline.toml` (spec: offline-model). Strict: a key that is not here is a mistake worth telling. */
import { z } from "zod";

/** Longer rules are no rules that a person wrote. */
const MAX_PATTERN = 1000;
/** A minute is slow enough for any test; timers overflow far above. */
const MAX_FIRST_TOKEN_MS = 60_000;

const expected = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => `expected ${what}, found ${shown(input)}`,
});

const text = z.string(expected("a string")).min(1, "expected a string with something in it");
const count = z.int(expected("a whole number")).min(0, "expected 0 or more");

const paceKeys = {
  first_token_ms: z
    .number(expected("milliseconds"))
    .min(0, "expected milliseconds, 0 or more")
    .max(MAX_FIRST_TOKEN_MS, `expected at most ${MAX_FIRST_TOKEN_MS} milliseconds`)
    .optional(),
  tokens_per_second: z
    .number(expected("a number"))
    .min(0, "expected 0 (as fast as possible) or more")
    .optional(),
};

const ToolSchema = z.strictObject(
  {
    name: text,
    input: z
      .record(z.string(), z.json("expected a string, number, boolean, list or table"), expected("a table"))
      .optional(),
  },
  expected('a table such as { name = "Write", input = { … } }'),
);

const ErrorSchema = z.strictObject(
  {
    status: z
      .int(expected("an HTTP status such as 529"))
      .min(400, "expected an HTTP status from 400 to 599")
      .max(599, "expected an HTTP status from 400 to 599"),
    type: text,
    message: text,
  },
  expected('a table such as { status = 529, type = "overloaded_error", message = "Overloaded" }'),
);

const replyKeys = {
  text: text.optional(),
  tool: ToolSchema.optional(),
  thinking: text.optional(),
  error: ErrorSchema.optional(),
  cut_after_tokens: count.optional(),
  ...paceKeys,
};

const when = z
  .string(expected("a regular expression"))
  .min(1, "expected a regular expression with something in it")
  .max(MAX_PATTERN, `expected at most ${MAX_PATTERN} characters`)
  .check((context) => {
    const message = whyInvalid(context.value);
    if (message !== null) context.issues.push({ code: "custom", input: context.value, message });
  });

/** A reply says something, or fails: not both, and not neither. */
function checkWords(context: z.core.ParsePayload<Omit<ReplyToml, "when">>): void {
  const { text: said, tool, thinking, error, cut_after_tokens: cut } = context.value;
  const refuse = (message: string) => context.issues.push({ code: "custom", input: context.value, message });
  if (error !== undefined) {
    if (said !== undefined || tool !== undefined || thinking !== undefined || cut !== undefined) {
      refuse("an error stands alone: expected no text, tool, thinking or cut_after_tokens beside it");
    }
  } else if (said === undefined && tool === undefined) {
    const found = thinking === undefined ? "none of them" : "thinking alone, which answers nothing";
    refuse(`expected text, tool or error, found ${found}`);
  }
}

const ReplySchema = z.strictObject({ when, ...replyKeys }, expected("a table")).check(checkWords);
const DefaultSchema = z.strictObject(replyKeys, expected("a table, as [default]")).check(checkWords);

export const OfflineTomlSchema = z.strictObject({
  ...paceKeys,
  reply: z.array(ReplySchema, expected("a list of tables, each as [[reply]]")).optional(),
  default: DefaultSchema.optional(),
});

export interface ReplyToml {
  when: string;
  text?: string | undefined;
  tool?: z.infer<typeof ToolSchema> | undefined;
  thinking?: string | undefined;
  error?: z.infer<typeof ErrorSchema> | undefined;
  cut_after_tokens?: number | undefined;
  first_token_ms?: number | undefined;
  tokens_per_second?: number | undefined;
}

/** Null: the pattern is fine. */
function whyInvalid(pattern: string): string | null {
  try {
    new RegExp(pattern, "i");
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object" && value !== null) return "a table";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
