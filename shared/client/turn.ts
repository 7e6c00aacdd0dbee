/** One turn's events, over as many connections as it takes. */
import { nanoid } from "nanoid";
import { isTerminal, type SessionEvent } from "../events.ts";
import { sessionRoutes as routes, TURN_HEADER, type SendMessage } from "../protocol/sessions.ts";
import type { RouteCaller } from "./call.ts";
import type { Followed } from "./follow.ts";
import type { KeyedOptions, TurnOptions, WatchOptions } from "./options.ts";
import type { TransportAnswer } from "./transport.ts";

/** A message to send; `stream` is the choice between `send` and `stream`. */
export type OutgoingMessage = Omit<SendMessage, "stream">;

/** A new turn, from its message on. */
export function newTurn(
  caller: RouteCaller,
  id: string,
  message: OutgoingMessage,
  options: TurnOptions,
): Followed {
  const headers = keyHeader(options); // the same for every attempt: the turn runs once
  const { signal, include, onTurn } = options;
  const body = { ...message, stream: true };
  const query = includeQuery(include);
  let turnId: string | null = null;
  const begin = async () => {
    const answer = await caller.open(routes.sendMessage, { params: { id }, query, body, headers, signal });
    const told = answer.header(TURN_HEADER);
    if (told !== null && turnId === null) onTurn?.(told);
    turnId ??= told;
    return answer;
  };
  return {
    after: 0,
    // Until its first event has come there is no place to read on from: then the turn is asked for again by its key.
    open: (cursor) => (cursor === 0 ? begin() : openFeed(caller, id, cursor, options)),
    shows: (event) => {
      turnId ??= event.turn_id; // an older Karta's answer has no such header
      return isOfTurn(event, turnId, include);
    },
    endsAfter: (event) => event.turn_id === turnId && isTerminal(event),
  };
}

/** A turn that was sent before, from `after` on. */
export function knownTurn(
  caller: RouteCaller,
  id: string,
  turn: { readonly turnId: string; readonly after: number },
  options: WatchOptions,
): Followed {
  return {
    after: turn.after,
    open: (cursor) => openFeed(caller, id, cursor, options),
    shows: (event) => isOfTurn(event, turn.turnId, options.include),
    endsAfter: (event) => event.turn_id === turn.turnId && isTerminal(event),
  };
}

/** Opens a session's feed: what came after a seq, and then what comes. */
export function openFeed(
  caller: RouteCaller,
  id: string,
  after: number,
  { include, signal }: WatchOptions,
): Promise<TransportAnswer> {
  const query = { after, ...includeQuery(include) };
  return caller.open(routes.events, { params: { id }, query, signal });
}

/** The caller's key, or a new one. */
export function keyHeader({ idempotencyKey }: KeyedOptions): Readonly<Record<string, string>> {
  return { "idempotency-key": idempotencyKey ?? nanoid() }; // browsers have crypto.randomUUID on secure origins alone
}

function includeQuery(include: WatchOptions["include"]): { readonly include?: string } {
  return include === undefined ? {} : { include };
}

/** What a turn's own stream shows, whichever way it is read. */
function isOfTurn(event: SessionEvent, turnId: string | null, include: WatchOptions["include"]): boolean {
  return (
    event.turn_id === turnId && event.type !== "message" && (event.type !== "system" || include === "system")
  );
}
