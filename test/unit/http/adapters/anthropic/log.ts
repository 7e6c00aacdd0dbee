/** A session's log as a test writes it: seqs and times are given in order. */
import { SessionEventSchema, type EventDraft, type SessionEvent } from "../../../../../shared/events.ts";
import type { EventSource } from "../../../../../daemon/events/watcher.ts";
import { LoggedEvent } from "../../../../../daemon/events/logged-event.ts";

export const SESSION = "sess_000000000000000000000000";
const BEGIN = Date.parse("2026-11-25T12:00:00.000Z");

export type Written = EventDraft & { readonly turn?: string | null };

/** @param turn whose events they are, where they do not say so */
export function logOf(drafts: readonly Written[], turn = "turn_1"): SessionEvent[] {
  return drafts.map((draft, place) => {
    const { type, data, turn: own } = draft;
    return SessionEventSchema.parse({
      type,
      data,
      seq: place + 1,
      session_id: SESSION,
      turn_id: own === undefined ? turn : own,
      timestamp: BEGIN + place,
    });
  });
}

export const said = (text: string): EventDraft => ({
  type: "text",
  data: { part: { type: "text", text }, message_id: "msg_1" },
});
export const thought = (text: string): EventDraft => ({
  type: "reasoning",
  data: { part: { type: "reasoning", text } },
});
export const asked = (text: string): EventDraft => ({
  type: "message",
  data: { message_id: "msg_0", text, participant: null },
});
export const used = (id: string, tool: string, input: unknown): EventDraft => ({
  type: "tool_use",
  data: { tool_use_id: id, tool_name: tool, tool_input: input },
});
export const answered = (id: string, content: string): EventDraft => ({
  type: "tool_result",
  data: { tool_use_id: id, is_error: false, content },
});
export const required = (
  id: string,
  tool: string,
  input: unknown,
  { kind = "tool_use", use }: { readonly kind?: "tool_use" | "question"; readonly use?: string } = {},
): EventDraft => ({
  type: "input_required",
  data: {
    request_id: id,
    ...(use === undefined ? {} : { tool_use_id: use }),
    kind,
    tool,
    tool_input: input,
    message: `Use ${tool}?`,
    options: [],
    expires_at: new Date(BEGIN).toISOString(),
  },
});
export const resolved = (id: string, decision: "approve_once" | "deny" = "approve_once"): EventDraft => ({
  type: "input_resolved",
  data: { request_id: id, decision, by: "client" },
});
export const done = (status: "completed" | "cancelled" = "completed"): EventDraft => ({
  type: "done",
  data: {
    status,
    message: { id: "msg_1", role: "assistant", text: "", parts: [] },
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  },
});
export const failed = (message = "no such thing"): EventDraft => ({
  type: "error",
  data: { code: "model_error", message, retryable: false },
});

/** The log as what can be paged through. */
export function sourceOf(log: readonly SessionEvent[]): EventSource {
  const rows = log.map(
    (event, place) =>
      new LoggedEvent({
        id: place + 1,
        session_id: event.session_id,
        seq: event.seq,
        turn_id: event.turn_id,
        type: event.type,
        timestamp: event.timestamp,
        data: JSON.stringify(event.data),
      }),
  );
  return {
    page: (cursor, limit) => Promise.resolve(rows.filter(({ seq }) => seq > cursor).slice(0, limit)),
    watch: () => () => undefined,
    position: ({ seq }) => seq,
    follows: ({ seq }, cursor) => seq === cursor + 1,
  };
}
