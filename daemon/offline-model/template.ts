/** Fills a reply in: groups of the rule's match, and `{{…}}` from the conversation. */
import type { Conversation } from "./conversation.ts";
import type { Json } from "./script.ts";

/** `$12` is tried before `$1`, as in JavaScript's own `replace`. */
const SLOT = /\{\{\s*(turn|first_user|last_user|tool_result)\s*\}\}|\$(\d{1,2})|\$<(\w+)>/g;

export type Fill = (template: string) => string;

/**
 * @param match the rule's match; null for the default reply, which has no groups
 * @returns a function that fills one template. It goes over the template once, so nothing that a user or a tool said
 * is ever read as a template. What names no group (`$35` as a price) stays as it is; a group that took no part is empty.
 */
export function filler(conversation: Conversation, match: RegExpExecArray | null): Fill {
  const { turns, toolResult } = conversation;
  const values = new Map([
    ["turn", String(turns.length)],
    ["first_user", turns[0] ?? ""],
    ["last_user", turns.at(-1) ?? ""],
    ["tool_result", toolResult ?? ""],
  ]);
  return (template) =>
    template.replace(SLOT, (slot: string, name?: string, digits?: string, group?: string) => {
      if (name !== undefined) return values.get(name) ?? slot;
      if (match === null) return slot;
      if (digits !== undefined) return numbered(match, digits) ?? slot;
      return named(match, group ?? "") ?? slot;
    });
}

/** Strings at any depth are filled in; keys and other values stay. */
function fillJson(value: Json, fill: Fill): Json {
  if (typeof value === "string") return fill(value);
  if (Array.isArray(value)) return value.map((item) => fillJson(item, fill));
  if (typeof value === "object" && value !== null) return fillTable(value, fill);
  return value;
}

export function fillTable(table: Readonly<Record<string, Json>>, fill: Fill): Record<string, Json> {
  return Object.fromEntries(Object.entries(table).map(([key, item]) => [key, fillJson(item, fill)]));
}

function numbered(match: RegExpExecArray, digits: string): string | undefined {
  const isGroup = (text: string) => Number(text) > 0 && Number(text) < match.length;
  if (isGroup(digits)) return match[Number(digits)] ?? "";
  const first = digits.slice(0, 1);
  return digits.length === 2 && isGroup(first)
    ? `${match[Number(first)] ?? ""}${digits.slice(1)}`
    : undefined;
}

function named({ groups }: RegExpExecArray, name: string): string | undefined {
  return groups !== undefined && Object.hasOwn(groups, name) ? (groups[name] ?? "") : undefined;
}
