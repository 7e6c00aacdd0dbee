/** `--metadata KEY=VALUE` of the commands that make a session. */
import * as Flags from "@oclif/core/flags";
import type { Metadata } from "../shared/protocol/sessions.ts";
import { badUsage } from "./client/errors.ts";

/** The flag, for a command's `flags`. */
export const metadataFlag = Flags.string({
  multiple: true,
  multipleNonGreedy: true,
  summary:
    "Give the session this metadata: KEY=TEXT, or KEY:=JSON for a number, true, false or null. Repeatable.",
  helpValue: "KEY=VALUE",
});

/**
 * What was typed → the session's metadata; null for none. kartad checks lengths and numbers of keys.
 * @throws CliError for what is neither `KEY=TEXT` nor `KEY:=JSON`, and for a key that comes twice
 */
export function readMetadata(typed: readonly string[] = []): Metadata | null {
  const pairs = new Map<string, Metadata[string]>();
  for (const one of typed) {
    const at = one.indexOf("=");
    const isJson = one[at - 1] === ":";
    const key = one.slice(0, isJson ? at - 1 : at);
    if (at < 1 || key === "") throw badUsage(`--metadata: expected KEY=TEXT or KEY:=JSON, found "${one}"`);
    if (pairs.has(key)) throw badUsage(`--metadata: "${key}" is there twice`);
    const text = one.slice(at + 1);
    pairs.set(key, isJson ? scalar(key, text) : text);
  }
  return pairs.size === 0 ? null : Object.fromEntries(pairs);
}

function scalar(key: string, text: string): Metadata[string] {
  const value = parsed(text);
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw badUsage(
    `--metadata: expected ${key}:= with a number, true, false, null or a text in quotes, found ${text}; ` +
      `a text as it is goes with ${key}=${text}`,
  );
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
