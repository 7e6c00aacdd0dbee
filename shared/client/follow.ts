/**
 * A turn or a session's feed, read over as many connections as it takes: each goes on after the last event that the one
 * before it brought, so that the reader sees every event once and in order.
 */
import type { ErrorCode, KartaError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { ConnectionError } from "./errors.ts";
import { readFrames, type Frame } from "./frames.ts";
import { Persistence, RETRY_DEFAULTS, type RetryOptions } from "./retry.ts";
import type { TransportAnswer } from "./transport.ts";

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  readonly retry?: RetryOptions | undefined;
  /** `open` with each connection that Karta answers, `lost` when one breaks; nothing more until the next one is open. */
  readonly onConnection?: ((change: "open" | "lost") => void) | undefined;
}

export interface Followed {
  /** Opens the connection that brings what comes after `cursor`. Must be safe to repeat. */
  readonly open: (cursor: number) => Promise<TransportAnswer>;
  /** Events up to here are known. */
  readonly after: number;
  /** Which events are yielded; asked once of each, in order. */
  readonly shows: (event: SessionEvent) => boolean;
  /** True: nothing more is to come after this event. */
  readonly endsAfter: (event: SessionEvent) => boolean;
}

/**
 * Errors that end a subscription and say nothing of the turn: its events go on in the log. Of events that are gone the
 * next request is told more than the stream is: from where on there are any.
 */
const READ_ON_AFTER: ReadonlySet<ErrorCode> = new Set(["slow_consumer", "internal", "cursor_expired"]);

/**
 * Yields the events; ends after the one that ends it.
 * @throws KartaError for what Karta refuses (`cursor_expired`, say), ConnectionError when it stays away for too long,
 *   the signal's reason
 */
export async function* follow(followed: Followed, options: FollowOptions): AsyncGenerator<SessionEvent> {
  const silenceMs = options.retry?.silenceMs ?? RETRY_DEFAULTS.silenceMs;
  const persistence = new Persistence(options.retry, options.signal);
  const place: Place = { cursor: followed.after, persistence };
  for (;;) {
    let isOpen = false;
    let end: ConnectionEnd;
    try {
      const answer = await followed.open(place.cursor);
      isOpen = true;
      persistence.taken();
      options.onConnection?.("open");
      end = yield* readOn(readFrames(answer, silenceMs), followed, place);
    } catch (error) {
      end = { kind: "broken", error };
    }
    switch (end.kind) {
      case "complete":
        return;
      case "failed":
        throw end.error;
      case "broken":
        options.signal?.throwIfAborted();
        if (isOpen) options.onConnection?.("lost");
        await persistence.recover(end.error);
    }
  }
}

/** `complete`: the last event was yielded. `broken`: to be read on over the next connection, if that is of use. */
type ConnectionEnd =
  | { readonly kind: "complete" }
  | { readonly kind: "broken"; readonly error: unknown }
  | { readonly kind: "failed"; readonly error: KartaError };

interface Place {
  cursor: number;
  readonly persistence: Persistence;
}

async function* readOn(
  frames: AsyncIterable<Frame>,
  { shows, endsAfter }: Followed,
  place: Place,
): AsyncGenerator<SessionEvent, ConnectionEnd> {
  for await (const frame of frames) {
    switch (frame.kind) {
      case "ping":
        place.persistence.progressed();
        break;
      case "cut_off":
        return READ_ON_AFTER.has(frame.error.code)
          ? { kind: "broken", error: new ConnectionError("broken", frame.error.message, frame.error) }
          : { kind: "failed", error: frame.error };
      case "unknown":
        place.cursor = Math.max(place.cursor, frame.seq);
        break;
      case "event": {
        const { event, seq } = frame;
        if (seq <= place.cursor) break; // an earlier connection brought it
        place.cursor = seq;
        place.persistence.progressed();
        if (shows(event)) yield event;
        if (endsAfter(event)) return { kind: "complete" };
      }
    }
  }
  return { kind: "broken", error: new ConnectionError("broken", "the stream ended before its last event") };
}
