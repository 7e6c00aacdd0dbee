/** A Messages request, read for an agent: what was said before, what is said now, and what the application wants. */
import type { CountTokens, MessageParam } from "../../../../../shared/protocol/adapters/anthropic/messages.ts";
import type { EarlierMessage } from "../../preface.ts";
import { GAP, refuse, requireLength, spokenOf, textOf, toldOf, type AgentContent } from "../content.ts";

export interface ReadRequest extends AgentContent {
  /** The application's instructions; null: none. */
  readonly instructions: string | null;
  /** The conversation up to the message, oldest first. */
  readonly earlier: readonly EarlierMessage[];
}

/**
 * The user's messages after the last reply are one message, as they are to Anthropic's models. System messages among the
 * others are instructions, wherever they stand.
 * @throws KartaError `invalid_request` that names the block
 */
export function readRequest({ messages, system }: Pick<CountTokens, "messages" | "system">): ReadRequest {
  const placed = messages.map((message, place) => ({ ...message, path: `messages.${place}.content` }));
  const instructions = [
    ...(system === undefined || system === null ? [] : [textOf(system, "system")]),
    ...placed.flatMap(({ role, content, path }) => (role === "system" ? [textOf(content, path)] : [])),
  ].filter((text) => text !== "");
  const spoken = placed.filter(({ role }) => role !== "system");
  const lastReply = spoken.findLastIndex(({ role }) => role === "assistant");
  if (lastReply === spoken.length - 1)
    refuse("messages", "expected the last message to be the user's: an agent can't go on with words that are put into its mouth");

  const now = spoken.slice(lastReply + 1).map(({ content, path }) => spokenOf(content, path));
  const text = now.map((one) => one.text).filter((one) => one !== "").join(GAP);
  const images = now.flatMap((one) => one.images);
  if (text === "" && images.length === 0) refuse("messages", "expected the user's last message to say something");
  requireLength(text, "messages");
  return {
    instructions: instructions.length === 0 ? null : instructions.join(GAP),
    earlier: spoken.slice(0, lastReply + 1).map(toldMessage),
    text,
    images,
  };
}

function toldMessage({ role, content }: MessageParam): EarlierMessage {
  return { role, text: toldOf(content, role === "assistant" ? "" : GAP) };
}
