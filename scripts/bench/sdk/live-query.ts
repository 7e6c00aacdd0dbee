/** A streaming-input query of the plain SDK: one process, one conversation, turn after turn. */
import { query, type Options, type Query, type SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import { Inbox } from "../../../daemon/harness/claude/inbox.ts";
import type { Scope } from "../scope.ts";
import { textDelta } from "./text-delta.ts";

/** A text delta, and when it reached this process (`performance.now()`). */
export interface Delta {
  readonly text: string;
  readonly at: number;
}

/** Owner: the scope it was made with. */
export class LiveQuery {
  readonly #inbox = new Inbox<SDKUserMessage>();
  readonly #query: Query;

  constructor(options: Options, scope: Scope) {
    this.#query = query({ prompt: this.#inbox, options });
    scope.onEnd(() => {
      this.#inbox.close();
      this.#query.close();
    });
  }

  /** Runs one turn. @returns milliseconds to the first text. @throws as `turn` */
  async firstToken(text: string): Promise<number> {
    const startedAt = performance.now();
    const deltas: number[] = [];
    await this.turn(text, ({ at }) => deltas.push(at));
    const [first] = deltas;
    if (first === undefined) throw new Error("the SDK's turn said nothing");
    return first - startedAt;
  }

  /** Runs one turn. @throws Error when the process ends before the turn does, or the turn failed */
  async turn(text: string, onDelta: (delta: Delta) => void): Promise<void> {
    this.#inbox.push({
      type: "user",
      message: { role: "user", content: [{ type: "text", text }] },
      parent_tool_use_id: null,
    });
    for (;;) {
      const { done, value } = await this.#query.next();
      if (done) throw new Error("the SDK's process ended in the middle of a turn");
      const delta = textDelta(value);
      if (delta !== null) onDelta({ text: delta, at: performance.now() });
      if (value.type !== "result") continue;
      if (value.is_error) throw new Error(`the SDK's turn failed: ${JSON.stringify(value)}`);
      return;
    }
  }
}
