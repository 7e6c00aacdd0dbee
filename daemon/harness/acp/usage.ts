/** What a turn cost, from the end of its prompt and from the reports before it. */
import { z } from "zod";
import type { Usage } from "../../../shared/events.ts";
import { NO_USAGE } from "../harness.ts";
import type { Update } from "./updates.ts";

const count = z.int().nonnegative();
const optional = count.nullish().transform((value) => value ?? 0);

/** `usage` of a prompt's answer: not in the protocol's stable part, but sent by OpenCode and others. */
const PromptUsageSchema = z.looseObject({
  usage: z.looseObject({
    inputTokens: count,
    outputTokens: count,
    totalTokens: count,
    thoughtTokens: optional,
    cachedReadTokens: optional,
    cachedWriteTokens: optional,
  }),
});

/** One meter a conversation: an agent's costs grow over its whole life. */
export class UsageMeter {
  readonly #priced: boolean;
  /** All that the conversation has cost; null before the first report of one that was resumed. */
  #dollars: number | null;
  #before: number | null = null;

  /**
   * @param options.priced false: nothing was spent (scripted replies), whatever the agent reckons
   * @param options.isNew false: it has a past, whose cost is not known before the first report
   */
  constructor(options: { readonly priced: boolean; readonly isNew: boolean }) {
    this.#priced = options.priced;
    this.#dollars = options.isNew ? 0 : null;
  }

  report(update: Update): void {
    if (update.sessionUpdate !== "usage_update" || update.cost?.currency !== "USD") return;
    this.#dollars = Math.max(this.#dollars ?? 0, update.cost.amount);
  }

  /** What was spent before the turn that begins is not its own. */
  begin(): void {
    this.#before = this.#dollars;
  }

  /** @param answer the prompt's answer; anything else for a turn that had none */
  end(answer: unknown): Usage {
    const tokens = tokensOf(answer);
    const cost = this.#dollars === null || this.#before === null ? 0 : this.#dollars - this.#before;
    return this.#priced && cost > 0 ? { ...tokens, cost_usd: Math.round(cost * 1e6) / 1e6 } : tokens;
  }
}

/** Cache reads and writes count as input, and thoughts as output. Some agents have them in the two figures already: the total tells. */
function tokensOf(answer: unknown): Usage {
  const parsed = PromptUsageSchema.safeParse(answer);
  if (!parsed.success) return NO_USAGE;
  const { inputTokens, outputTokens, totalTokens, thoughtTokens, cachedReadTokens, cachedWriteTokens } =
    parsed.data.usage;
  const input = inputTokens + cachedReadTokens + cachedWriteTokens;
  const output = outputTokens + thoughtTokens;
  const apart = input + output === totalTokens;
  const [input_tokens, output_tokens] = apart ? [input, output] : [inputTokens, outputTokens];
  return { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
}
