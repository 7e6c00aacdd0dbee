/** A turn as one JSON answer: its result, or what it does after an approval. */
import { KartaError } from "../../shared/errors.ts";
import { isTerminal, type SessionEvent } from "../../shared/events.ts";
import type { TurnResult } from "../../shared/protocol/sessions.ts";
import type { LoggedEvent } from "../events/logged-event.ts";
import { Watcher, type EventSource } from "../events/watcher.ts";
import type { Turn } from "../sessions/turn.ts";

/** What a turn's own stream leaves out: the inbound message and harness internals. */
export function isShownOnTurn(event: LoggedEvent, turnId: string): boolean {
  return event.turnId === turnId && event.type !== "message" && event.type !== "system";
}

/** Waits for the turn's end, or for its first approval. @throws KartaError with the code of a turn that failed */
export async function unaryAnswer(sessionId: string, turn: Turn): Promise<TurnResult> {
  const outcome = await Promise.race([
    turn.outcome,
    turn.approvals.nextPause().then((input) => ({ kind: "paused" as const, input })),
  ]);
  const result = { session_id: sessionId, turn_id: turn.id, agent: turn.agent };
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

/** A turn of an earlier request, from its `message` event on. */
export interface EndedTurn {
  readonly id: string;
  readonly agent: string;
  readonly acceptedSeq: number;
}

/** The same answer that the turn's first request got, read from the log. @throws KartaError likewise */
export async function endedAnswer(
  source: EventSource,
  sessionId: string,
  turn: EndedTurn,
): Promise<TurnResult> {
  const events = await eventsOfTurn(source, turn);
  const asked = events.find((event) => event.type === "message");
  const end = events.at(-1);
  if (asked?.type !== "message" || (end?.type !== "done" && end?.type !== "error")) {
    throw new KartaError(
      "cursor_expired",
      "this turn's events are no longer kept; send the message with a new key",
    );
  }
  if (end.type === "error") {
    const text = events.map((event) => (event.type === "text" ? event.data.part.text : "")).join("");
    const { code, message, retryable } = end.data;
    throw new KartaError(code, message, {
      fields: { turn_id: turn.id, retryable, ...(text === "" ? {} : { text }) },
      ...(text === "" ? {} : { status: 502 }),
    });
  }
  const { message_id, text, participant } = asked.data;
  const { status, message, usage } = end.data;
  return {
    session_id: sessionId,
    turn_id: turn.id,
    agent: turn.agent,
    text: message.text,
    status,
    messages: [{ id: message_id, role: "user", text, parts: [{ type: "text", text }], participant }, message],
    usage,
  };
}

/** All events of a turn, its terminal one last: waits for it if its end is just being stored. */
function eventsOfTurn(source: EventSource, turn: EndedTurn): Promise<SessionEvent[]> {
  return new Promise((resolve, reject) => {
    const found: SessionEvent[] = [];
    const watcher: Watcher = new Watcher({
      source,
      after: Math.max(0, turn.acceptedSeq - 1),
      sink: {
        write: (events) => {
          for (const event of events) {
            if (event.turnId !== turn.id) continue;
            found.push(event.parse());
            if (!isTerminal(event)) continue;
            watcher.close();
            resolve(found);
            return true;
          }
          return true;
        },
        tooSlow: () => reject(new KartaError("slow_consumer", "the log could not be read in time")),
        failed: (error) => reject(error instanceof Error ? error : new Error(String(error))),
      },
    });
  });
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
      if (!isShownOnTurn(event, turn.id)) continue;
      found.push(event.parse());
      if (isTerminal(event) || event.type === "input_required") return found;
    }
    cursor = page.at(-1)?.seq ?? cursor;
    if (page.length < PAGE) return found;
  }
}
