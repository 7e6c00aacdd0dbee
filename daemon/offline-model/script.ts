/** `offline.toml`: what the offline model says, and how it is read and checked (spec: offline-model). */
import type { z } from "zod";
import { describeIssue } from "./script-issues.ts";
import { locateKeys, type Positions } from "./positions.ts";
import { OfflineTomlSchema, type ReplyToml } from "./script-schema.ts";
import { parseScriptToml } from "./script-toml.ts";

export type Json = z.core.util.JSONType;

export interface Pace {
  /** From the request to the first token. */
  readonly firstTokenMs: number;
  /** 0: as fast as the reader takes them. */
  readonly tokensPerSecond: number;
}

export interface ToolAsk {
  readonly name: string;
  readonly input: Readonly<Record<string, Json>>;
}

export type ScriptedWords =
  | { readonly kind: "error"; readonly status: number; readonly type: string; readonly message: string }
  | {
      readonly kind: "speech";
      /** Null only beside a tool: then a fixed word follows the tool's result. */
      readonly text: string | null;
      readonly tool: ToolAsk | null;
      readonly thinking: string | null;
      /** The connection is destroyed after this many tokens; null: the reply is whole. */
      readonly cutAfterTokens: number | null;
    };

export interface ScriptedReply {
  readonly words: ScriptedWords;
  readonly pace: Pace;
}

export interface Rule {
  /** Case-insensitive, tested on the last user text. */
  readonly when: RegExp;
  readonly reply: ScriptedReply;
}

export interface OfflineScript {
  /** The first match wins, top to bottom. */
  readonly rules: readonly Rule[];
  readonly fallback: ScriptedReply;
  /** For harness side requests (titles, summaries). */
  readonly pace: Pace;
}

export interface ScriptProblem {
  readonly file: string;
  /** Line and column count from 1: the key's, or the nearest thing around it that begins a line. */
  readonly line: number;
  readonly column: number;
  /** Such as `reply[2].when`, counted from 0; empty for a syntax error. */
  readonly path: string;
  readonly message: string;
}

export type ParsedScript =
  | { readonly ok: true; readonly script: OfflineScript }
  | { readonly ok: false; readonly problems: readonly ScriptProblem[] };

/** The pace of the spec's sample file. */
const DEFAULT_PACE: Pace = { firstTokenMs: 120, tokensPerSecond: 60 };

const DEFAULT_TEXT = "I answer from a script while offline. Run Karta with a model key for the real thing.";

/** What a project without `offline.toml` answers: the default text, always. */
export const defaultScript: OfflineScript = {
  rules: [],
  fallback: compileReply({ text: DEFAULT_TEXT }, DEFAULT_PACE),
  pace: DEFAULT_PACE,
};

/**
 * Checks the whole file and reports every problem with its place. Never throws.
 * @param source the file's text
 * @param file its name, repeated in each problem
 */
export function parseOfflineScript(source: string, file: string): ParsedScript {
  // A byte order mark is how some editors save UTF-8; the TOML package takes it for a key.
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  const toml = parseScriptToml(text);
  if (!toml.ok) {
    const { line, column, message } = toml;
    return { ok: false, problems: [{ file, line, column, path: "", message }] };
  }
  const checked = OfflineTomlSchema.safeParse(toml.value);
  if (!checked.success) {
    return { ok: false, problems: placeIssues(checked.error.issues, locateKeys(text), file) };
  }
  const { reply: replies = [], default: fallback, ...top } = checked.data;
  const pace = paceOf(top, DEFAULT_PACE);
  return {
    ok: true,
    script: {
      rules: replies.map(({ when, ...reply }) => ({
        when: new RegExp(when, "i"),
        reply: compileReply(reply, pace),
      })),
      fallback: compileReply(fallback ?? { text: DEFAULT_TEXT }, pace),
      pace,
    },
  };
}

function placeIssues(
  issues: readonly z.core.$ZodIssue[],
  positions: Positions,
  file: string,
): ScriptProblem[] {
  return issues.flatMap(describeIssue).map(({ keys, path, message }) => {
    return { file, ...positions.nearest(keys), path, message };
  });
}

function compileReply(reply: Omit<ReplyToml, "when">, scriptPace: Pace): ScriptedReply {
  const { text = null, tool = null, thinking = null, error, cut_after_tokens: cut = null } = reply;
  const words: ScriptedWords =
    error === undefined
      ? {
          kind: "speech",
          text,
          tool: tool === null ? null : { name: tool.name, input: tool.input ?? {} },
          thinking,
          cutAfterTokens: cut,
        }
      : { kind: "error", ...error };
  return { words, pace: paceOf(reply, scriptPace) };
}

function paceOf(
  keys: { first_token_ms?: number | undefined; tokens_per_second?: number | undefined },
  fallback: Pace,
): Pace {
  return {
    firstTokenMs: keys.first_token_ms ?? fallback.firstTokenMs,
    tokensPerSecond: keys.tokens_per_second ?? fallback.tokensPerSecond,
  };
}
