/**
 * A session's events → the managed-agents wire's. Each becomes one of the wire's, with the same `seq`, or none: a cursor
 * of one is a cursor of the other.
 */
import type { SessionEvent } from "../../../../shared/events.ts";
import type { WireEvent } from "../../../../shared/protocol/adapters/managed-agents.ts";
import type { LoggedEvent } from "../../../events/logged-event.ts";
import { START, type Place } from "./place.ts";
import { targetOf } from "./target.ts";

/** What may be answered to a tool's request. */
const DECISIONS = ["approve_once", "approve_session", "deny"];

/** One a reader; it is given each of the session's events after a place, in order. */
export class WireProjection {
  #place: Place;

  /** @param place where the first event comes: which part of a message goes on there */
  constructor(place: Place = START) {
    this.#place = place;
  }

  /** Null: the wire has no form for it. */
  project(event: LoggedEvent): WireEvent | null {
    switch (event.type) {
      case "step_start":
      case "step_finish":
      case "agent_handoff":
      case "system":
        return null;
      case "message":
      case "text":
      case "reasoning":
      case "tool_use":
      case "tool_result":
      case "input_required":
      case "input_resolved":
      case "done":
      case "error":
        return this.#wire(event.parse());
    }
  }

  #wire(event: SessionEvent): WireEvent | null {
    const { seq } = event;
    switch (event.type) {
      case "message":
        return { type: "session.status_running", seq, message_id: event.data.message_id };
      case "text":
        return { type: "agent.message", seq, ...this.#delta(event, event.data.part.text) };
      case "reasoning":
        return { type: "agent.thinking", seq, ...this.#delta(event, event.data.part.text) };
      case "tool_use": {
        this.#place = { turnId: event.turn_id, last: seq, part: null };
        const { tool_use_id, tool_name, tool_input } = event.data;
        return { type: "agent.tool_use", seq, tool_use_id, tool: tool_name, input: tool_input };
      }
      case "tool_result": {
        this.#place = { turnId: event.turn_id, last: seq, part: null };
        const { tool_use_id, content, is_error, truncated } = event.data;
        const cut = truncated === undefined ? {} : { truncated };
        return { type: "agent.tool_result", seq, tool_use_id, output: content, is_error, ...cut };
      }
      case "input_required": {
        const { request_id, kind, tool, tool_input, message, options, expires_at } = event.data;
        return {
          type: "session.status_idle",
          seq,
          stop_reason: "requires_action",
          request_id,
          kind,
          tool,
          target: kind === "question" ? message : targetOf(tool_input),
          options: kind === "question" || options.length > 0 ? options : DECISIONS,
          expires_at,
        };
      }
      case "input_resolved":
        return { type: "session.status_running", seq, request_id: event.data.request_id };
      case "done": {
        const { input_tokens, output_tokens, total_tokens } = event.data.usage; // what it cost is the operator's to know
        return {
          type: "session.status_idle",
          seq,
          stop_reason: "end_turn",
          usage: { input_tokens, output_tokens, total_tokens },
          ...(event.data.status === "cancelled" ? { interrupted: true as const } : {}),
        };
      }
      case "error":
        return { type: "session.error", seq, message: event.data.message, code: event.data.code };
      case "step_start":
      case "step_finish":
      case "agent_handoff":
      case "system":
        return null;
    }
  }

  #delta(
    { type, seq, turn_id }: Extract<SessionEvent, { type: "text" | "reasoning" }>,
    text: string,
  ): { text: string; part_id: string; delta: true } {
    const { turnId, last, part } = this.#place;
    const isSameTurn = turnId === turn_id;
    const after = isSameTurn ? (part?.type === type ? part.after : last) : 0;
    this.#place = { turnId: turn_id, last: seq, part: { type, after } };
    return { text, part_id: `${turn_id ?? ""}-${after}`, delta: true };
  }
}

/** True for an event after which a client has to do something, or nothing comes: a stream ends there. */
export function endsStream(event: LoggedEvent): boolean {
  return event.type === "done" || event.type === "error" || event.type === "input_required";
}
