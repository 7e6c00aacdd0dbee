/** What a person types at an approval or a question → the answer. */
import type { InputAnswer } from "../../shared/protocol/sessions.ts";
import type { Question } from "../render/questions.ts";

export const APPROVAL_PROMPT = "[y]es once, [a]lways in this session, [n]o (or type a reason): ";

/** Of `deny`'s message and of an answer. */
const LONGEST = 10_000;

/** Null: nothing was typed. Whatever is no yes is a no. */
export function readDecision(typed: string): InputAnswer | null {
  const text = typed.trim();
  switch (text.toLowerCase()) {
    case "":
      return null;
    case "y":
    case "yes":
      return { decision: "approve_once" };
    case "a":
    case "always":
      return { decision: "approve_session" };
    case "n":
    case "no":
      return { decision: "deny" };
    default:
      return { decision: "deny", message: text.slice(0, LONGEST) };
  }
}

/** The option of the number typed (of the numbers, where several may be chosen), or the words as they are. Null: again. */
export function readChoice(typed: string, { options, several }: Question): string | null {
  const text = typed.trim();
  if (text === "") return null;
  const numbers = several ? text.split(/[\s,]+/).filter((part) => part !== "") : [text];
  if (options.length === 0 || !numbers.every((part) => /^\d+$/.test(part))) return text.slice(0, LONGEST);
  const chosen = numbers.map((part) => options[Number(part) - 1]?.label);
  return chosen.includes(undefined) ? null : chosen.join(", ");
}

export function choicePrompt({ options, several }: Question): string {
  if (options.length === 0) return "your answer: ";
  return several ? "numbers, or your own words: " : "a number, or your own words: ";
}
