/** A turn's events as Anthropic's stream of a message: start, blocks with their deltas, the end's reason and usage, stop. */
import { KartaError, type TurnErrorCode } from "../../../../../shared/errors.ts";
import type { EventData, SessionEvent } from "../../../../../shared/events.ts";
import type {
  ContentBlock,
  MessageStreamEvent,
  PingNews,
} from "../../../../../shared/protocol/adapters/anthropic/messages.ts";
import type { TurnProjection } from "../../turn.ts";
import { anthropicError } from "../errors.ts";
import { frameOf, PING } from "../frames.ts";
import { emptyMessage, stopReason, usageOf } from "./message.ts";

/** One a stream. Pure: events in, frames out. */
export class MessageStream implements TurnProjection {
  readonly opening: string;
  readonly ping = PING;
  readonly #requestId: string;
  #block: ContentBlock["type"] | null = null;
  /** The block that is open, or the one that comes next. */
  #index = 0;

  constructor(options: { readonly turnId: string; readonly model: string; readonly requestId: string }) {
    const message = emptyMessage(options.turnId, options.model);
    const start: MessageStreamEvent = { type: "message_start", message };
    this.opening = frameOf(start) + PING;
    this.#requestId = options.requestId;
  }

  readonly frames = (event: SessionEvent): string => this.#project(event).map(frameOf).join("");

  readonly failure = (code: TurnErrorCode, message: string): string =>
    frameOf(anthropicError(new KartaError(code, message), this.#requestId));

  #project(event: SessionEvent): { readonly type: string }[] {
    switch (event.type) {
      case "text":
        return [
          ...this.#open({ type: "text", text: "", citations: null }),
          this.#delta({ type: "text_delta", text: event.data.part.text }),
        ];
      case "reasoning":
        return [
          ...this.#open({ type: "thinking", thinking: "", signature: "" }),
          this.#delta({ type: "thinking_delta", thinking: event.data.part.text }),
        ];
      case "tool_use":
      case "tool_result":
      case "input_required":
      case "input_resolved":
        return [pingOf(event)];
      case "done":
        return this.#end(event.data);
      case "error":
        return [anthropicError(new KartaError(event.data.code, event.data.message), this.#requestId)];
      case "message":
      case "step_start":
      case "step_finish":
      case "agent_handoff":
      case "system":
        return [];
    }
  }

  #open(block: ContentBlock): MessageStreamEvent[] {
    if (this.#block === block.type) return [];
    const closed = this.#close();
    this.#block = block.type;
    return [...closed, { type: "content_block_start", index: this.#index, content_block: block }];
  }

  #close(): MessageStreamEvent[] {
    if (this.#block === null) return [];
    this.#block = null;
    return [{ type: "content_block_stop", index: this.#index++ }];
  }

  #delta(delta: Extract<MessageStreamEvent, { type: "content_block_delta" }>["delta"]): MessageStreamEvent {
    return { type: "content_block_delta", index: this.#index, delta };
  }

  #end({ status, usage }: EventData<"done">): MessageStreamEvent[] {
    const { cache_creation: _c, inference_geo: _g, service_tier: _t, speed: _s, ...counts } = usageOf(usage);
    return [
      ...this.#close(),
      {
        type: "message_delta",
        delta: { stop_reason: stopReason(status), stop_sequence: null, stop_details: null, container: null },
        usage: counts,
      },
      { type: "message_stop" },
    ];
  }
}

/** Tools and approvals, in the one event that every client passes over. */
function pingOf(
  event: Extract<SessionEvent, { type: "tool_use" | "tool_result" | "input_required" | "input_resolved" }>,
): MessageStreamEvent {
  return { type: "ping", karta: newsOf(event) };
}

function newsOf(
  event: Extract<SessionEvent, { type: "tool_use" | "tool_result" | "input_required" | "input_resolved" }>,
): PingNews {
  switch (event.type) {
    case "tool_use":
      return { type: event.type, ...event.data };
    case "tool_result": {
      const { tool_use_id, is_error } = event.data;
      return { type: event.type, tool_use_id, is_error };
    }
    case "input_required": {
      const { request_id, tool, message } = event.data;
      return { type: event.type, request_id, tool, message };
    }
    case "input_resolved": {
      const { request_id, decision } = event.data;
      return { type: event.type, request_id, decision };
    }
  }
}
