/** A turn as one JSON answer: its result, or what it does after an approval. */
import { KartaError } from "../../shared/errors.ts";
import { isTerminal, type SessionEvent } from "../../shared/events.ts";
import type { TurnResult } from "../../shared/protocol/sessions.ts";
import type { LoggedEvent } from "../events/logged-event.ts";
import type { EventSource } from "../events/watcher.ts";
import type { Turn, TurnOutcome } from "../sessions/turn.ts";
import type { SseOptions } from "./sse.ts";

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
    case "cancelled":
    case "failed":
      return outcomeAnswer(sessionId, turn, outcome);
  }
}

/**
 * What is told of a turn whose end the store did not take, also to whoever waited for it: nobody knows yet how the log
 * will have it, since kartad may die before there is room.
 */
export const END_NOT_STORED = "the turn has ended, but its end could not be stored; see `karta logs`";

/** @param text what it said */
function endNotStored(turnId: string, text: string): KartaError {
  const fields = { turn_id: turnId, ...(text === "" ? {} : { text }) };
  return new KartaError("storage_unavailable", END_NOT_STORED, { retryAfterSeconds: 5, fields });
}

/** A turn's end as its answer. @throws KartaError with the code of a turn that failed; `storage_unavailable` where the log has no end */
export function outcomeAnswer(sessionId: string, turn: Turn, outcome: TurnOutcome): TurnResult {
  if (!turn.isEndStored) throw endNotStored(turn.id, outcome.message.text);
  switch (outcome.kind) {
    case "completed":
    case "cancelled": {
      const { message, usage } = outcome;
      return {
        session_id: sessionId,
        turn_id: turn.id,
        agent: turn.agent,
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

/** A turn of an earlier request whose end is stored. */
export interface EndedTurn {
  readonly id: string;
  readonly agent: string;
  /** The seq of its `message` event; 0 when that is no longer kept. */
  readonly acceptedSeq: number;
}

/** @throws KartaError `cursor_expired` for a turn whose events are gone, if only the first: half of it must not look whole */
export function requireKept(turn: EndedTurn): void {
  if (turn.acceptedSeq === 0) throw notKept(turn.id);
}

function notKept(turnId: string): KartaError {
  return new KartaError(
    "cursor_expired",
    "this turn was run and has ended, but its events are no longer kept: read the conversation's messages, " +
      "or send the message with a new Idempotency-Key to run it again",
    { fields: { turn_id: turnId } },
  );
}

/** The same answer that the turn's first request got, read from the log. @throws KartaError likewise */
export async function endedAnswer(
  source: EventSource,
  sessionId: string,
  turn: EndedTurn,
): Promise<TurnResult> {
  requireKept(turn);
  const events = await readTurn(source, turn.id, turn.acceptedSeq - 1, {
    shows: (event) => event.turnId === turn.id,
    endsAfter: isTerminal,
  });
  const asked = events.find((event) => event.type === "message");
  const end = events.at(-1);
  if (asked?.type !== "message" || (end?.type !== "done" && end?.type !== "error")) throw notKept(turn.id);
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

const PAGE = 500;

/** The turn's events after a seq, up to its next pause or its end: waits for whichever comes first. */
export async function turnContinuation(
  source: EventSource,
  turn: Turn,
  after: number,
): Promise<SessionEvent[]> {
  await Promise.race([turn.outcome, turn.approvals.nextPause()]);
  return readTurn(source, turn.id, after, {
    shows: (event) => isShownOnTurn(event, turn.id),
    endsAfter: (event) => isTerminal(event) || event.type === "input_required",
  });
}

/** A turn's stored events after a seq, up to one that ends it, or to the log's end. @throws KartaError `cursor_expired` */
export async function readTurn(
  source: EventSource,
  turnId: string,
  after: number,
  wanted: Pick<SseOptions, "shows" | "endsAfter">,
): Promise<SessionEvent[]> {
  const found: SessionEvent[] = [];
  let cursor = after;
  for (;;) {
    const page = await source.page(cursor, PAGE);
    if (page[0] !== undefined && !source.follows(page[0], cursor)) throw notKept(turnId);
    for (const event of page) {
      if (!wanted.shows(event)) continue;
      found.push(event.parse());
      if (wanted.endsAfter(event)) return found;
    }
    cursor = page.at(-1)?.seq ?? cursor;
    if (page.length < PAGE) return found;
  }
}
