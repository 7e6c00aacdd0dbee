/** Server-sent events of a turn, as session events. */
import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { KartaError } from "../../shared/errors.ts";
import { isTerminal, SessionEventSchema, type SessionEvent } from "../../shared/events.ts";
import { WentAwayError } from "./errors.ts";

/**
 * Yields each event and ends after the terminal one. An event of a type that this version does not know is passed over,
 * and so is one that `belongs` turns down.
 * @throws WentAwayError when the stream ends without a terminal event
 */
export async function* readEvents(
  socket: string,
  answer: IncomingMessage,
  belongs: (event: SessionEvent) => boolean = () => true,
): AsyncGenerator<SessionEvent> {
  const arrived: SessionEvent[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      const event = parseEvent(data);
      if (event !== null && belongs(event)) arrived.push(event);
    },
  });
  answer.setEncoding("utf8");
  try {
    for await (const chunk of answer) {
      parser.feed(String(chunk));
      for (const event of arrived.splice(0)) {
        yield event;
        if (isTerminal(event)) return;
      }
    }
  } catch (error) {
    throw new WentAwayError(socket, error);
  }
  throw new WentAwayError(socket, undefined);
}

/** What a failed turn's last event says, as the error it is. */
export function turnError({ data }: Extract<SessionEvent, { type: "error" }>): KartaError {
  return new KartaError(data.code, data.message, { fields: { retryable: data.retryable } });
}

/** One event's JSON; null when it is of a kind that this version cannot read. */
export function parseEvent(data: string): SessionEvent | null {
  try {
    const parsed = SessionEventSchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
