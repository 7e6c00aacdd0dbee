/** Claude Code's messages → `HarnessEvent`s. Pure: one translator a turn, no I/O. */
import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { HarnessEvent } from "../harness.ts";

type Message<T extends SDKMessage["type"]> = Extract<SDKMessage, { type: T }>;

/** Text of a tool's result: its text blocks joined; other blocks are named. */
export function toolResultText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: unknown) => {
      if (typeof block !== "object" || block === null || !("type" in block)) return "";
      if (block.type === "text" && "text" in block) return String(block.text);
      return `[${String(block.type)}]`;
    })
    .join("\n");
}

/**
 * Follows one turn. Text arrives as deltas (`stream_event`) and once more whole (`assistant`); the whole is used only
 * where no delta came, as when the harness falls back to a plain request.
 */
export class TurnTranslator {
  readonly #tell: (event: HarnessEvent) => void;
  #sawTextDelta = false;
  #sawThinkingDelta = false;
  /** A step has begun that nobody was told of: it goes out with what comes next, so that both are stored and sent at once. */
  #hasSilentStep = false;

  constructor(emit: (event: HarnessEvent) => void) {
    this.#tell = emit;
  }

  translate(message: SDKMessage): void {
    switch (message.type) {
      case "stream_event":
        this.#streamed(message);
        return;
      case "assistant":
        this.#assistant(message);
        return;
      case "user":
        this.#user(message);
        return;
      case "system":
        // `init` repeats the whole tool list every turn; `status` only says that a request went out.
        if (message.subtype === "init" || message.subtype === "status") return;
        this.#emit({ type: "system", subtype: message.subtype, detail: withoutIds(message) });
        return;
      default:
        return; // results end the turn elsewhere; the rest is for interactive hosts
    }
  }

  #streamed({ event, parent_tool_use_id }: Message<"stream_event">): void {
    if (parent_tool_use_id !== null) return; // a subagent's own words: its result comes as a tool_result
    switch (event.type) {
      case "message_start":
        this.#tellStep();
        this.#hasSilentStep = true;
        return;
      case "content_block_start":
        this.#tellStep(); // a thinking block may say nothing for long
        return;
      case "message_delta":
        if (event.delta.stop_reason !== null)
          this.#emit({ type: "step_finish", result: event.delta.stop_reason });
        return;
      case "content_block_delta":
        if (event.delta.type === "text_delta") {
          this.#sawTextDelta = true;
          this.#emit({ type: "text", text: event.delta.text });
        } else if (event.delta.type === "thinking_delta") {
          this.#sawThinkingDelta = true;
          this.#emit({ type: "reasoning", text: event.delta.thinking });
        }
        return;
      default:
        return;
    }
  }

  #emit(event: HarnessEvent): void {
    this.#tellStep();
    this.#tell(event);
  }

  #tellStep(): void {
    if (!this.#hasSilentStep) return;
    this.#hasSilentStep = false;
    this.#tell({ type: "step_start", description: "model call" });
  }

  /** Comes once a content block. */
  #assistant({ message, parent_tool_use_id, error }: Message<"assistant">): void {
    if (parent_tool_use_id !== null || error !== undefined) return; // an API error's text becomes the turn's end
    for (const block of message.content) {
      switch (block.type) {
        case "text":
          if (!this.#sawTextDelta && block.text !== "") this.#emit({ type: "text", text: block.text });
          this.#sawTextDelta = false;
          break;
        case "thinking":
          if (!this.#sawThinkingDelta) this.#emit({ type: "reasoning", text: block.thinking });
          this.#sawThinkingDelta = false;
          break;
        case "tool_use":
          this.#emit({ type: "tool_use", id: block.id, name: block.name, input: block.input });
          break;
        default:
          break;
      }
    }
  }

  #user(message: Message<"user">): void {
    if (message.parent_tool_use_id !== null || typeof message.message.content === "string") return;
    for (const block of message.message.content) {
      if (block.type !== "tool_result") continue;
      this.#emit({
        type: "tool_result",
        id: block.tool_use_id,
        isError: block.is_error === true,
        content: toolResultText(block.content),
      });
    }
  }
}

function withoutIds(message: Message<"system">): Record<string, unknown> {
  const { type, subtype, session_id, uuid, ...detail } = message;
  return detail;
}
