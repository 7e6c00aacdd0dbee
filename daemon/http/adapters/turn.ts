/** A turn as another API answers it: whole, or frame by frame in that API's form. */
import type { Response } from "express";
import type { Logger } from "pino";
import { isTerminal, type SessionEvent } from "../../../shared/events.ts";
import { SESSION_HEADER } from "../../../shared/protocol/adapters/headers.ts";
import type { TurnResult } from "../../../shared/protocol/sessions.ts";
import type { EventSource } from "../../events/watcher.ts";
import type { AcceptedTurn } from "../../sessions/repeated-turn.ts";
import type { Scope } from "../../sessions/scope.ts";
import type { SessionService } from "../../sessions/service.ts";
import { streamFrames, type FrameOptions } from "../sse.ts";
import { END_NOT_STORED, endedAnswer, isShownOnTurn, outcomeAnswer, requireKept } from "../turn-answer.ts";
import { cancelWhenGone } from "./client-gone.ts";
import { markAccepted } from "./errors.ts";

/** A turn that was accepted in a session, now or by an earlier request with the same Idempotency-Key. */
export interface RunningTurn {
  readonly sessionId: string;
  readonly accepted: AcceptedTurn;
  readonly source: EventSource;
}

export function turnIdOf(accepted: AcceptedTurn): string {
  return accepted.kind === "live" ? accepted.turn.id : accepted.id;
}

/**
 * What every adapter does once a turn is accepted: names the session, forbids retries, and ends the turn when its client
 * leaves.
 * @param staysOn the turn goes on without its client: it sent an Idempotency-Key, and may come back with it
 */
export function answerFor(
  response: Response,
  { sessionId, accepted }: RunningTurn,
  options: { readonly sessions: SessionService; readonly scope: Scope; readonly staysOn: boolean },
): void {
  response.setHeader(SESSION_HEADER, sessionId);
  markAccepted(response);
  if (options.staysOn || accepted.kind === "ended") return;
  const { turn } = accepted;
  cancelWhenGone(response, () => {
    // It may end of itself meanwhile; then there is nothing to cancel.
    void options.sessions.cancel(options.scope, sessionId, turn.id).catch(() => undefined);
  });
}

/**
 * Waits for the turn's end, over any approval: people answer those over the session API.
 * @throws KartaError with the code of a turn that failed
 */
export async function wholeTurn({ sessionId, accepted, source }: RunningTurn): Promise<TurnResult> {
  if (accepted.kind === "ended") return endedAnswer(source, sessionId, accepted);
  return outcomeAnswer(sessionId, accepted.turn, await accepted.turn.outcome);
}

/** One API's way to write a turn's events. */
export interface TurnProjection extends Pick<FrameOptions, "opening" | "failure" | "ping"> {
  /** An event's frames; empty where that API has none for it. The terminal event's are the last. */
  readonly frames: (event: SessionEvent) => string;
}

/** @throws KartaError `cursor_expired` for a repeated turn whose events are gone; then nothing is written */
export function streamTurn(
  response: Response,
  { accepted, source }: RunningTurn,
  projection: TurnProjection,
  logger: Logger,
): void {
  if (accepted.kind === "ended") requireKept(accepted);
  const { id, acceptedSeq } = accepted.kind === "live" ? accepted.turn : accepted;
  const stream = streamFrames(response, {
    ...projection,
    source,
    after: acceptedSeq,
    frames: (event) => (isShownOnTurn(event, id) ? projection.frames(event.parse()) : ""),
    endsAfter: (event) => event.turnId === id && isTerminal(event),
    onFault: (error) =>
      logger.error({ err: error, turn_id: id }, "an event could not be written for an adapter"),
  });
  if (accepted.kind !== "live") return;
  const { turn } = accepted;
  void turn.outcome.then(() => {
    if (turn.isEndStored) return; // the log shows it
    stream.fail("storage_unavailable", END_NOT_STORED);
  });
}
