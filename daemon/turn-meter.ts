/** Turns as the event feed shows them: how each ended, and how long its first word took. It changes nothing in a turn. */
import { z } from "zod";
import type { TurnErrorCode } from "../shared/errors.ts";
import { EVENT_DATA } from "../shared/events.ts";
import type { Feed } from "./events/feed.ts";
import type { LoggedEvent } from "./events/logged-event.ts";

export type TurnEnding =
  | { readonly status: "completed" | "cancelled" }
  | { readonly status: "failed"; readonly code: TurnErrorCode };

export interface TurnMeterOptions {
  readonly feed: Feed;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** A turn's first text was stored, so many seconds after its message was. */
  readonly onFirstText: (sessionId: string, seconds: number) => void;
  readonly onEnd: (sessionId: string, ending: TurnEnding) => void;
}

/** A turn whose end could not be stored is never seen to end; of those the oldest are forgotten. */
const MOST_OPEN = 10_000;

/** Owner: `Metrics`. Freed by `close()`. */
export class TurnMeter {
  readonly #options: TurnMeterOptions;
  /** Turns that have said nothing yet, and when they were accepted. */
  readonly #silent = new Map<string, number>();
  readonly close: () => void;

  constructor(options: TurnMeterOptions) {
    this.#options = options;
    this.close = options.feed.watchAll((events) => {
      for (const event of events) this.#see(event);
    });
  }

  #see(event: LoggedEvent): void {
    const { turnId, sessionId } = event;
    if (turnId === null) return;
    switch (event.type) {
      case "message":
        this.#accepted(turnId);
        return;
      case "text": {
        const acceptedAt = this.#silent.get(turnId);
        if (acceptedAt === undefined) return;
        this.#silent.delete(turnId);
        this.#options.onFirstText(sessionId, (this.#options.now() - acceptedAt) / 1000);
        return;
      }
      case "done":
      case "error":
        this.#silent.delete(turnId);
        this.#options.onEnd(sessionId, endingOf(event));
        return;
      case "reasoning":
      case "tool_use":
      case "tool_result":
      case "step_start":
      case "step_finish":
      case "agent_handoff":
      case "input_required":
      case "input_resolved":
      case "system":
        return;
    }
  }

  #accepted(turnId: string): void {
    this.#silent.set(turnId, this.#options.now());
    if (this.#silent.size <= MOST_OPEN) return;
    const [oldest] = this.#silent.keys();
    if (oldest !== undefined) this.#silent.delete(oldest);
  }
}

/** What a terminal event says of the end; the rest of it, which may be long, is not looked at. */
const EndSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("done"), data: EVENT_DATA.done.pick({ status: true }) }),
  z.object({ type: z.literal("error"), data: EVENT_DATA.error.pick({ code: true }) }),
]);

function endingOf(event: LoggedEvent): TurnEnding {
  const end = EndSchema.parse(JSON.parse(event.json));
  return end.type === "done" ? { status: end.data.status } : { status: "failed", code: end.data.code };
}
