/** A streamed turn that a test reads piece by piece. */
import type { EventType, SessionEvent } from "../../shared/events.ts";
import { TURN_HEADER } from "../../shared/protocol/sessions.ts";
import { frames, openTurn, type Received } from "./api.ts";

export interface LiveTurn {
  readonly id: string;
  /** Reads on to the next event of this type. @throws when the turn ends without one */
  until<T extends EventType>(type: T): Promise<Extract<SessionEvent, { type: T }>>;
  /** All that is still to come, once the turn has ended. */
  rest(): Promise<Received[]>;
}

/** Sends a message; resolves when it is accepted, though it may wait. */
export async function liveTurn(
  url: string,
  sessionId: string,
  text: string,
  more: object = {},
): Promise<LiveTurn> {
  const response = await openTurn(url, sessionId, text, more);
  const reading = frames(response);
  const next = async (): Promise<Received | null> => {
    const result = await reading.next();
    return result.done === true ? null : result.value;
  };
  return {
    id: response.headers.get(TURN_HEADER) ?? "",
    until: async <T extends EventType>(type: T) => {
      for (let received = await next(); received !== null; received = await next()) {
        if (isOf(received.event, type)) return received.event;
      }
      throw new Error(`the turn ended without ${type}`);
    },
    rest: () => Array.fromAsync(reading),
  };
}

function isOf<T extends EventType>(
  event: SessionEvent,
  type: T,
): event is Extract<SessionEvent, { type: T }> {
  return event.type === type;
}
