/** How a response is answered: whole, or as its events. */
import { asOneLine } from "../../../events/one-line.ts";
import type { Response } from "express";
import type { Logger } from "pino";
import { KartaError } from "../../../../shared/errors.ts";
import type { ResponseFrame } from "../../../../shared/protocol/adapters/responses-events.ts";
import type { ResponseObject } from "../../../../shared/protocol/adapters/responses-object.ts";
import type { EventSource } from "../../../events/watcher.ts";
import type { AcceptedTurn } from "../../../sessions/repeated-turn.ts";
import type { Turn } from "../../../sessions/turn.ts";
import { END_NOT_STORED } from "../../turn-answer.ts";
import { streamTurn, wholeTurn, type RunningTurn, type TurnProjection } from "../turn.ts";
import { projectionOf, readResponse, type ResponseSources, type StoredResponse } from "./stored-response.ts";

/** OpenAI names each event in its frame too. */
function frameOf(event: ResponseFrame): string {
  return `event: ${event.type}\ndata: ${asOneLine(JSON.stringify(event))}\n\n`;
}

/** @param after the last number that the reader has seen; -1: none */
function streamed(row: StoredResponse, after: number): TurnProjection {
  const projection = projectionOf(row);
  const shown = (events: readonly ResponseFrame[]): string =>
    events.flatMap((event) => (event.sequence_number > after ? frameOf(event) : "")).join("");
  return {
    opening: shown(projection.open()),
    frames: (event) => shown(projection.add(event)),
    failure: (code, message) =>
      frameOf({ type: "error", sequence_number: projection.nextNumber, code, message, param: null }),
    ping: ": ping\n\n",
  };
}

/** The events of a turn that was accepted just now. */
export function streamResponse(
  response: Response,
  { row, running }: { readonly row: StoredResponse; readonly running: RunningTurn },
  logger: Logger,
): void {
  streamTurn(response, running, streamed(row, -1), logger);
}

/**
 * The events of a stored response, those that are still to come too.
 * @param again.after as `starting_after`
 * @param again.turn null: it has ended
 */
export function streamAgain(
  response: Response,
  again: {
    readonly row: StoredResponse;
    readonly source: EventSource;
    readonly after: number;
    readonly turn: Turn | null;
  },
  logger: Logger,
): void {
  const { row, source, after, turn } = again;
  const accepted: AcceptedTurn =
    turn === null
      ? { kind: "ended", id: row.turn_id, agent: "", acceptedSeq: row.accepted_seq }
      : { kind: "live", turn };
  streamTurn(response, { sessionId: row.session_id, accepted, source }, streamed(row, after), logger);
}

/** Waits for the turn's end. @throws KartaError with the code of a turn that failed */
export async function wholeResponse(
  row: StoredResponse,
  running: RunningTurn,
  sources: ResponseSources,
): Promise<ResponseObject> {
  await wholeTurn(running);
  const projection = await readResponse(row, sources);
  if (projection.isOver) return projection.response();
  throw endNotStored();
}

/** Of a turn that has ended, whatever its events say. It is tried again every second. */
export function endNotStored(): KartaError {
  return new KartaError("storage_unavailable", END_NOT_STORED);
}
