/** A turn's result as a message of Anthropic's. */
import type { EventData, Part, Usage } from "../../../../../shared/events.ts";
import type {
  AnthropicMessage,
  ContentBlock,
  MessageUsage,
  StopReason,
} from "../../../../../shared/protocol/adapters/anthropic/messages.ts";
import type { TurnResult } from "../../../../../shared/protocol/sessions.ts";

/** The same for a message that is streamed and one that is not, and for each answer to the same turn. */
export function messageIdOf(turnId: string): string {
  return turnId.replace(/^turn_/, "msg_");
}

/** Cache reads and writes are in `input_tokens`: a harness's service may not tell them apart. */
export function usageOf({
  input_tokens,
  output_tokens,
}: Pick<Usage, "input_tokens" | "output_tokens">): MessageUsage {
  return {
    input_tokens,
    output_tokens,
    cache_creation: null,
    cache_creation_input_tokens: null,
    cache_read_input_tokens: null,
    inference_geo: null,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: null,
    speed: null,
  };
}

/** A turn that somebody else cancelled is an answer cut short: `max_tokens` is how clients know one. */
export function stopReason(status: EventData<"done">["status"]): StopReason {
  return status === "completed" ? "end_turn" : "max_tokens";
}

/** A message that has not begun. */
export function emptyMessage(turnId: string, model: string): AnthropicMessage {
  return {
    id: messageIdOf(turnId),
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: usageOf({ input_tokens: 0, output_tokens: 0 }),
  };
}

export function messageOf(result: TurnResult, model: string): AnthropicMessage {
  const reply = result.messages.find(({ role }) => role === "assistant");
  return {
    ...emptyMessage(result.turn_id, model),
    content: blocksOf(reply?.parts ?? []),
    stop_reason: stopReason(result.status === "completed" ? "completed" : "cancelled"),
    usage: usageOf(result.usage),
  };
}

/**
 * What was said, tools left out: they ran in the harness, and a client that saw their blocks would run them again. Text on
 * both sides of a tool is one block, so that what a client joins is what was said.
 */
function blocksOf(parts: readonly Part[]): ContentBlock[] {
  const blocks: ContentBlock[] = [];
  for (const part of parts) {
    const last = blocks.at(-1);
    switch (part.type) {
      case "text":
        if (last?.type === "text") last.text += part.text;
        else blocks.push({ type: "text", text: part.text, citations: null });
        break;
      case "reasoning":
        if (last?.type === "thinking") last.thinking += part.text;
        else blocks.push({ type: "thinking", thinking: part.text, signature: "" });
        break;
      case "tool_use":
      case "tool_result":
        break;
    }
  }
  return blocks;
}
