/** The schema's issues as places and sentences. */
import type { z } from "zod";

export interface DescribedIssue {
  /** The way to the value: table keys, and numbers for places in lists. */
  readonly keys: readonly (string | number)[];
  /** The same for people, such as `reply[2].when`. */
  readonly path: string;
  readonly message: string;
}

/** One for each unknown key, else one an issue. */
export function describeIssue(issue: z.core.$ZodIssue): DescribedIssue[] {
  const keys = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
  if (issue.code !== "unrecognized_keys") return [described(keys, issue.message)];
  return issue.keys.map((key) => described([...keys, key], "unknown key"));
}

function described(keys: readonly (string | number)[], message: string): DescribedIssue {
  const path = keys
    .map((key, place) => (typeof key === "number" ? `[${key}]` : place === 0 ? key : `.${key}`))
    .join("");
  return { keys, path, message };
}
