/** An agent's reports → `HarnessEvent`s. One translator a turn, no I/O. */
import type { HarnessEvent } from "../harness.ts";
import { ToolCalls, type KnownCall } from "./tool-calls.ts";
import { textOfContent, type ToolCall, type Update } from "./updates.ts";

/** What one turn may say, in characters: past it the agent is taken for one that does not end. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
const MAX_UPDATES = 1_000_000;

export class TurnTranslator {
  readonly #emit: (event: HarnessEvent) => void;
  readonly #calls: ToolCalls;
  #updates = 0;
  #characters = 0;

  constructor(emit: (event: HarnessEvent) => void) {
    this.#emit = emit;
    this.#calls = new ToolCalls(emit);
  }

  /** It has said more than any turn says. */
  get isFlooding(): boolean {
    return this.#updates > MAX_UPDATES || this.#characters > MAX_CHARACTERS;
  }

  translate(update: Update): void {
    this.#updates += 1;
    switch (update.sessionUpdate) {
      case "agent_message_chunk":
        this.#say("text", textOfContent(update.content));
        return;
      case "agent_thought_chunk":
        this.#say("reasoning", textOfContent(update.content));
        return;
      case "tool_call":
      case "tool_call_update":
        this.#characters += (update.content ?? []).length === 0 ? 0 : JSON.stringify(update.content).length;
        this.#calls.update(update);
        return;
      case "plan":
      case "notice":
      case "compaction_update":
      case "current_mode_update": {
        const { sessionUpdate, ...detail } = update;
        this.#emit({ type: "system", subtype: sessionUpdate, detail });
        return;
      }
      case "usage_update": // usage.ts
      case "user_message_chunk": // Karta has it; a conversation that is told again is read by replay.ts
        return;
    }
  }

  /** A permission is asked for this call. */
  asked(call: ToolCall): Promise<KnownCall> {
    return this.#calls.asked(call);
  }

  /** The turn is over. */
  end(): void {
    this.#calls.flush();
  }

  #say(type: "text" | "reasoning", text: string): void {
    if (text === "") return;
    this.#characters += text.length;
    this.#calls.flush();
    this.#emit({ type, text });
  }
}
