/**
 * A log line as it leaves kartad, whatever was put into it: one line of JSON, of a bounded length, without secrets, and
 * without a character that a terminal obeys. Most lines are none of these things' business, which one look tells.
 */
import { harmlessJson } from "../../shared/terminal/harmless.ts";

/** Characters. An error with a stack and causes is under 10,000. */
const LONGEST_LINE = 32_768;
/** Characters of one text in a line that is too long. */
const LONGEST_TEXT = 4000;
/** Levels of what is in what. */
const DEEPEST = 12;

/** Fields whose values are never written, wherever they stand. */
const SECRET_FIELD =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|(?:.*_)?(?:api_?key|token|password|passwd|secret)|env|environment)$/i;
const MAY_HAVE_SECRET_FIELD =
  /"(?:[^"\\]*(?:authorization|cookie|api_?-?key|token|password|passwd|secret)|env|environment)":/i;

/** @param text a line of JSON with its newline; @param mask without secrets, what it is given */
export function cleanLine(text: string, mask: (text: string) => string): string {
  // The mask on the whole line finds what a text of it holds; what it changes is then changed text by text, since a
  // secret may be `level` or a number.
  const isClean = text.length <= LONGEST_LINE && !MAY_HAVE_SECRET_FIELD.test(text) && mask(text) === text;
  return isClean ? harmlessJson(text) : `${harmlessJson(rewritten(text, mask))}\n`;
}

function rewritten(text: string, mask: (text: string) => string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return JSON.stringify({ level: 50, time: Date.now(), msg: "a log line was not JSON and is left out" });
  }
  const isLong = text.length > LONGEST_LINE;
  const clean = JSON.stringify(cleaned(value, { mask, longest: isLong ? LONGEST_TEXT : Infinity, depth: 0 }));
  if (clean.length <= LONGEST_LINE) return clean;
  const { level, time, msg, part, request_id, project, session_id, turn_id } = fieldsOf(value);
  const kept = { level, time, part, request_id, project, session_id, turn_id, msg, cut: text.length };
  return JSON.stringify(cleaned(kept, { mask, longest: LONGEST_TEXT, depth: 0 }));
}

interface Cleaning {
  readonly mask: (text: string) => string;
  readonly longest: number;
  readonly depth: number;
}

function cleaned(value: unknown, how: Cleaning): unknown {
  if (typeof value === "string") return shortened(how.mask(value), how.longest);
  if (typeof value !== "object" || value === null) return value;
  if (how.depth > DEEPEST) return "…";
  const deeper = { ...how, depth: how.depth + 1 };
  if (Array.isArray(value)) return value.map((item: unknown) => cleaned(item, deeper));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      SECRET_FIELD.test(name) && field !== null ? "[redacted]" : cleaned(field, deeper),
    ]),
  );
}

function shortened(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
