/** Finds the rule for a user's text. */
import vm from "node:vm";
import { z } from "zod";
import type { Rule, ScriptedReply } from "./script.ts";

/** Rules are about what a person says, and that comes first in a text. */
const MAX_TESTED_CHARACTERS = 10_000;
/**
 * A pattern such as `(a+)+$` backtracks for years on thirty characters and would hold the whole daemon meanwhile.
 * V8 checks for termination while it backtracks, and `vm` is how Node reaches that.
 */
const MAX_PATTERN_MS = 100;
/**
 * On a busy machine those milliseconds can pass without the pattern having had any of them: only what it had itself counts
 * against it. This many times it is given another chance.
 */
const MAX_TRIES = 50;

const pattern = { when: /(?:)/, text: "" };
const context = vm.createContext(pattern);
const test = new vm.Script("when.exec(text)");
const TooSlowSchema = z.object({ code: z.literal("ERR_SCRIPT_EXECUTION_TIMEOUT") });

export type Match =
  | { readonly kind: "rule"; readonly reply: ScriptedReply; readonly match: RegExpExecArray }
  | { readonly kind: "none" };

/**
 * The first rule whose pattern is found in the text.
 * @param onTooSlow called with a pattern that was given up; it counts as not found
 */
export function matchRule(rules: readonly Rule[], text: string, onTooSlow: (when: RegExp) => void): Match {
  const tested = text.slice(0, MAX_TESTED_CHARACTERS);
  for (const { when, reply } of rules) {
    const match = execute(when, tested);
    if (match === "too slow") onTooSlow(when);
    else if (match !== null) return { kind: "rule", reply, match };
  }
  return { kind: "none" };
}

function execute(when: RegExp, text: string): RegExpExecArray | null | "too slow" {
  pattern.when = when;
  pattern.text = text;
  const before = process.threadCpuUsage();
  for (let tries = 1; ; tries += 1) {
    try {
      const found: unknown = test.runInContext(context, { timeout: MAX_PATTERN_MS });
      // The pattern came from this realm, and so does what it found: only its success is asked of the sandbox.
      return found === null ? null : when.exec(text);
    } catch (error) {
      if (!TooSlowSchema.safeParse(error).success) throw error;
      const { user, system } = process.threadCpuUsage(before);
      if ((user + system) / 1000 >= MAX_PATTERN_MS / 2 || tries === MAX_TRIES) return "too slow";
    }
  }
}
