/** `GET …/events/stream`: a session's wire events after a cursor, up to where its client has to act or has its answer. */
import type { Response } from "express";
import type { Logger } from "pino";
import type { Session } from "../../../../shared/protocol/sessions.ts";
import type { LoggedEvent } from "../../../events/logged-event.ts";
import { asOneLine } from "../../../events/one-line.ts";
import type { EventSource } from "../../../events/watcher.ts";
import { streamFrames } from "../../sse.ts";
import { placeAfter } from "./place.ts";
import { readBack } from "./read-back.ts";
import { isAtRest } from "./rest.ts";
import { endsStream, WireProjection } from "./wire-events.ts";

export interface ConversationStream {
  readonly source: EventSource;
  readonly after: number;
  /** As it is when the stream is opened. */
  readonly session: Session;
  readonly logger: Logger;
}

/**
 * No name stands before the data, so that an EventSource hands each frame to `onmessage`. A stream that cannot go on
 * (a reader that is too slow, a kartad that stops) just ends: its client sees no end of a turn, and comes back.
 */
export async function streamConversation(
  response: Response,
  { source, after, session, logger }: ConversationStream,
): Promise<void> {
  const projection = new WireProjection(await placeAfter(source, after));
  const closes = await closesAt(source, after, session);
  streamFrames(response, {
    source,
    after,
    frames: (event) => {
      const wire = projection.project(event);
      return wire === null ? "" : `id: ${event.seq}\ndata: ${asOneLine(JSON.stringify(wire))}\n\n`;
    },
    endsAfter: (event) => endsStream(event) && closes(event),
    failure: () => "",
    ping: ": ping\n\n",
    onFault: (error) => logger.error({ err: error, session_id: session.id }, "an event has no wire form"),
  });
}

/**
 * Which ends of turns and requests close the stream. Those of the past are a replay for a client that comes late, and its
 * own turn may well be a later one: they do not, but for the end of the turn in whose middle its cursor lies, the last end
 * of a session at rest, and the request that waits for an answer.
 */
async function closesAt(
  source: EventSource,
  after: number,
  session: Session,
): Promise<(event: LoggedEvent) => boolean> {
  const { last_seq, pending_input } = session;
  const from = (await isAtRest(source, session)) ? await lastEnd(source, after, last_seq) : last_seq + 1;
  const begun = await turnAt(source, after);
  return (event) => {
    if (event.seq >= from) return true;
    if (event.type !== "input_required") return event.turnId === begun;
    const parsed = event.parse();
    return parsed.type === "input_required" && parsed.data.request_id === pending_input?.request_id;
  };
}

/** The seq of the last turn's end after a cursor; where there is none, the first after it. */
async function lastEnd(source: EventSource, after: number, last: number): Promise<number> {
  for await (const event of readBack(source, last)) {
    if (event.seq <= after) break;
    if (event.type === "done" || event.type === "error") return event.seq;
  }
  return after + 1;
}

/** The turn in whose middle a cursor lies; null between two turns. */
async function turnAt(source: EventSource, after: number): Promise<string | null> {
  for await (const { type, turnId } of readBack(source, after)) {
    if (type === "done" || type === "error") return null;
    if (turnId !== null) return turnId;
  }
  return null;
}
