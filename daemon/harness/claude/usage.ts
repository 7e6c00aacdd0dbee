/** What a turn cost. The SDK's figures grow over the whole life of a process; a turn's are the differences. */
import type { ModelUsage } from "@anthropic-ai/claude-agent-sdk";
import type { Usage } from "../../../shared/events.ts";

interface Totals {
  readonly input: number;
  readonly output: number;
  readonly cost: number;
}

/** Cache reads and writes count as input: they are tokens the model was given. */
function totalsOf(models: Readonly<Record<string, ModelUsage>>): Totals {
  let [input, output, cost] = [0, 0, 0];
  for (const model of Object.values(models)) {
    input += model.inputTokens + model.cacheReadInputTokens + model.cacheCreationInputTokens;
    output += model.outputTokens;
    cost += model.costUSD;
  }
  return { input, output, cost };
}

/** One meter a process. */
export class UsageMeter {
  readonly #priced: boolean;
  #last: Totals = { input: 0, output: 0, cost: 0 };

  /** @param options.priced false: nothing was spent (scripted replies), whatever the harness reckons */
  constructor(options: { readonly priced: boolean }) {
    this.#priced = options.priced;
  }

  /** The usage since the last call, from the process's running totals. */
  read(models: Readonly<Record<string, ModelUsage>>): Usage {
    const now = totalsOf(models);
    const input = Math.max(0, now.input - this.#last.input);
    const output = Math.max(0, now.output - this.#last.output);
    const cost = Math.max(0, now.cost - this.#last.cost);
    this.#last = now;
    const tokens = { input_tokens: input, output_tokens: output, total_tokens: input + output };
    return this.#priced ? { ...tokens, cost_usd: round(cost) } : tokens;
  }
}

/** To a ten-thousandth of a cent: floating-point dust is not a price. */
function round(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6;
}
