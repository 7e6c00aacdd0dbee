/** What a message of the SDK says to a reader. */
import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";

/** The text of a text delta; null for every other message. */
export function textDelta(message: SDKMessage): string | null {
  if (message.type !== "stream_event" || message.event.type !== "content_block_delta") return null;
  const { delta } = message.event;
  return delta.type === "text_delta" ? delta.text : null;
}
