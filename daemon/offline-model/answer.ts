/** What to send for a request: the script's reply, filled in, or a side request's fixed answer. */
import { randomBytes } from "node:crypto";
import type { Conversation } from "./conversation.ts";
import { matchRule } from "./match.ts";
import { splitIntoPieces } from "./pieces.ts";
import type { Json, OfflineScript, Pace, ScriptedReply, ToolAsk } from "./script.ts";
import { sideAnswer } from "./side-request.ts";
import { filler, fillTable, type Fill } from "./template.ts";

/** `pieces` joined is the block's whole: its text, or the tool's input as JSON. */
export type Block =
  | { readonly kind: "thinking"; readonly pieces: readonly string[] }
  | { readonly kind: "text"; readonly pieces: readonly string[] }
  | {
      readonly kind: "tool";
      readonly id: string;
      readonly name: string;
      readonly input: Readonly<Record<string, Json>>;
      readonly pieces: readonly string[];
    };

export type Answer =
  | {
      readonly kind: "error";
      readonly status: number;
      readonly type: string;
      readonly message: string;
      readonly pace: Pace;
    }
  | {
      readonly kind: "message";
      readonly blocks: readonly Block[];
      /** The connection is destroyed after this many pieces; null: never. */
      readonly cutAfterTokens: number | null;
      readonly pace: Pace;
    };

/** Said after the result of a tool that a rule without `text` asked for: harnesses take an empty answer for a fault. */
const AFTER_TOOL = "Done.";

export interface AnswerOptions {
  readonly script: OfflineScript;
  readonly conversation: Conversation;
  /** Called with a rule's pattern that took too long and was passed over. */
  readonly onTooSlow: (when: RegExp) => void;
}

export function answerTo({ script, conversation, onTooSlow }: AnswerOptions): Answer {
  if (conversation.sideRequest !== null) {
    const blocks = [textBlock(sideAnswer(conversation.sideRequest))];
    return { kind: "message", blocks, cutAfterTokens: null, pace: { firstTokenMs: 0, tokensPerSecond: 0 } };
  }
  const found = matchRule(script.rules, conversation.turns.at(-1) ?? "", onTooSlow);
  switch (found.kind) {
    case "rule":
      return fillReply(found.reply, conversation, filler(conversation, found.match));
    case "none":
      return fillReply(script.fallback, conversation, filler(conversation, null));
  }
}

function fillReply({ words, pace }: ScriptedReply, conversation: Conversation, fill: Fill): Answer {
  if (words.kind === "error") return { ...words, pace };
  const { tool, cutAfterTokens } = words;
  const asks = tool !== null && !conversation.toolAsked;
  const blocks: Block[] = [];
  // One thought a turn: it is not thought again when the tool's result comes in.
  if (words.thinking !== null && !conversation.toolAsked) {
    blocks.push({ kind: "thinking", pieces: splitIntoPieces(fill(words.thinking)) });
  }
  blocks.push(asks ? toolBlock(tool, conversation, fill) : textBlock(fill(words.text ?? AFTER_TOOL)));
  return { kind: "message", blocks, cutAfterTokens, pace };
}

function textBlock(text: string): Block {
  return { kind: "text", pieces: splitIntoPieces(text) };
}

function toolBlock(tool: ToolAsk, { tools }: Conversation, fill: Fill): Block {
  const input = fillTable(tool.input, fill);
  return {
    kind: "tool",
    // The harness keeps calls apart by this, over the whole conversation.
    id: `toolu_${randomBytes(12).toString("hex")}`,
    name: offeredName(tool.name, tools),
    input,
    pieces: splitIntoPieces(JSON.stringify(input)),
  };
}

/** One script serves several harnesses: Claude Code has `Write`, OpenCode `write`. A tool nobody offers is asked for as it stands. */
function offeredName(name: string, offered: readonly string[]): string {
  if (offered.includes(name)) return name;
  return offered.find((other) => other.toLowerCase() === name.toLowerCase()) ?? name;
}
