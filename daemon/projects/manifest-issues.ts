/** Zod's findings in the form that users read: the key's path, what was expected, what was found. */
import type { z } from "zod";
import type { Findings } from "./findings.ts";

/** Adds an issue for each wrong value. The schema's texts say what was expected. */
export function refuseWrongValues(file: string, error: z.ZodError, value: unknown, findings: Findings): void {
  for (const issue of error.issues) {
    const keys = issue.path.map(String);
    const where = keys.length === 0 ? file : `${file}: ${keys.join(".")}`;
    // A value of [env], or of a server's env and headers, may be a secret in the wrong place; only its kind is told.
    const showText = keys[0] !== "env" && keys[0] !== "mcpServers";
    const found = describeValue(valueAt(value, keys), { showText });
    findings.refuse(where, `${issue.message}, found ${found}`);
  }
}

/** `the string "two"`, `5`, `a list`, `a table`. */
function describeValue(value: unknown, options: { readonly showText: boolean }): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") {
    return options.showText ? `the string ${JSON.stringify(cut(value))}` : "a string";
  }
  if (typeof value === "number" || typeof value === "boolean") {
    return options.showText ? String(value) : `a ${typeof value}`;
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date";
  return "a table";
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function valueAt(value: unknown, keys: readonly string[]): unknown {
  let found = value;
  for (const key of keys) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Object.entries(found).find(([name]) => name === key)?.[1];
  }
  return found;
}
