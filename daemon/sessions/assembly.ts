/** Builds the assistant's message from what the agent says, as it says it. */
import type { AssistantMessage, EventDraft, Part } from "../../shared/events.ts";
import { LIMITS } from "../../shared/protocol/limits.ts";
import type { HarnessEvent } from "../harness/harness.ts";

/** One a turn. Turns harness events into event drafts and keeps the message they add up to. */
export class Assembly {
  readonly #id: string;
  readonly #parts: Part[] = [];
  readonly #thinking: boolean;
  #steps = 0;
  #text = "";
  /** True once something a user would call output was said. */
  hasOutput = false;

  /**
   * @param options.id the message's
   * @param options.thinking whether the sender asked for reasoning
   */
  constructor(options: { readonly id: string; readonly thinking: boolean }) {
    this.#id = options.id;
    this.#thinking = options.thinking;
  }

  /** The events that this one becomes; none for reasoning that nobody asked for. */
  add(event: HarnessEvent): EventDraft[] {
    switch (event.type) {
      case "text": {
        if (event.text === "") return [];
        this.hasOutput = true;
        this.#text += event.text;
        this.#appendText("text", event.text);
        return [{ type: "text", data: { part: { type: "text", text: event.text }, message_id: this.#id } }];
      }
      case "reasoning": {
        if (!this.#thinking || event.text === "") return [];
        this.#appendText("reasoning", event.text);
        return [{ type: "reasoning", data: { part: { type: "reasoning", text: event.text } } }];
      }
      case "tool_use": {
        this.hasOutput = true;
        const use = { tool_use_id: event.id, tool_name: event.name, tool_input: event.input };
        this.#parts.push({ type: "tool_use", ...use });
        return [{ type: "tool_use", data: use }];
      }
      case "tool_result": {
        const { text, truncated } = cutToBytes(event.content, LIMITS.toolResultBytes);
        const result = {
          tool_use_id: event.id,
          is_error: event.isError,
          content: text,
          ...(truncated ? { truncated } : {}),
        };
        this.#parts.push({ type: "tool_result", ...result });
        return [{ type: "tool_result", data: result }];
      }
      case "step_start":
        return [{ type: "step_start", data: { step_index: this.#steps, description: event.description } }];
      case "step_finish":
        return [{ type: "step_finish", data: { step_index: this.#steps++, result: event.result } }];
      case "system":
        return [{ type: "system", data: { subtype: event.subtype, detail: event.detail } }];
    }
  }

  /** The message so far. */
  message(): AssistantMessage {
    return { id: this.#id, role: "assistant", text: this.#text, parts: [...this.#parts] };
  }

  #appendText(type: "text" | "reasoning", text: string): void {
    const last = this.#parts.at(-1);
    if (last?.type === type) last.text += text;
    else this.#parts.push({ type, text });
  }
}

/** The longest prefix of at most `limit` UTF-8 bytes that ends between characters. */
function cutToBytes(text: string, limit: number): { text: string; truncated: boolean } {
  if (text.length * 3 <= limit) return { text, truncated: false };
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return { text, truncated: false };
  let end = limit;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1; // not in the middle of a character
  return { text: bytes.toString("utf8", 0, end), truncated: true };
}
