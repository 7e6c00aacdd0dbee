/** A turn as one JSON answer: its result, or what it does after an approval. */
import { KartaError } from "../../shared/errors.ts";
import { isTerminal, type SessionEvent } from "../../shared/events.ts";
import type { TurnResult } from "../../shared/protocol/sessions.ts";
import type { LoggedEvent } from "../events/logged-event.ts";
import type { EventSource } from "../events/watcher.ts";
import type { Turn } from "../sessions/turn.ts";

/** What a turn's own stream leaves out: the inbound message and harness internals. */
export function isShownOnTurn(event: LoggedEvent, turn: Turn): boolean {
  return event.turnId === turn.id && event.type !== "message" && event.type !== "system";
}

/** Waits for the turn's end, or for its first approval. @throws KartaError with the code of a turn that failed */
export async function unaryAnswer(sessionId: string, turn: Turn): Promise<TurnResult> {
  const result = { session_id: sessionId, turn_id: turn.id, agent: turn.input.agent };
  const outcome = await Promise.race([
    turn.outcome,
    turn.approvals.nextPause().then((input) => ({ kind: "paused" as const, input })),
  ]);
  switch (outcome.kind) {
    case "paused": {
      const message = turn.assembly.message();
      const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }; // known at the turn's end
      const messages = [turn.userMessage, message];
      const { input } = outcome;
      return {
        ...result,
        text: message.text,
        status: "input_required",
        messages,
        usage,
        pending_input: input,
      };
    }
    case "completed":
    case "cancelled": {
      const { message, usage } = outcome;
      return {
        ...result,
        text: message.text,
        status: outcome.kind,
        messages: [turn.userMessage, message],
        usage,
      };
    }
    case "failed":
      throw new KartaError(outcome.code, outcome.detail, {
        fields: {
          turn_id: turn.id,
          retryable: outcome.retryable,
          ...(outcome.hadOutput ? { text: outcome.message.text } : {}),
        },
        ...(outcome.hadOutput ? { status: 502 } : {}),
        ...(outcome.retryable ? { retryAfterSeconds: 1 } : {}),
      });
  }
}

const PAGE = 500;

/** The turn's events after a seq, up to its next pause or its end: waits for whichever comes first. */
export async function turnContinuation(
  source: EventSource,
  turn: Turn,
  after: number,
): Promise<SessionEvent[]> {
  await Promise.race([turn.outcome, turn.approvals.nextPause()]);
  const found: SessionEvent[] = [];
  let cursor = after;
  for (;;) {
    const page = await source.page(cursor, PAGE);
    for (const event of page) {
      if (!isShownOnTurn(event, turn)) continue;
      found.push(event.parse());
      if (isTerminal(event) || event.type === "input_required") return found;
    }
    cursor = page.at(-1)?.seq ?? cursor;
    if (page.length < PAGE) return found;
  }
}
