/** A session's events as they happen, for as long as the client stays; it may leave, and the session goes on. */
import type { Response } from "express";
import type { TurnErrorCode } from "../../../../../shared/errors.ts";
import { KartaError } from "../../../../../shared/errors.ts";
import type { LoggedEvent } from "../../../../events/logged-event.ts";
import type { EventSource } from "../../../../events/watcher.ts";
import { streamFrames } from "../../../sse.ts";
import { anthropicError } from "../errors.ts";
import { frameOf, PING } from "../frames.ts";
import { isKept } from "./list-events.ts";
import type { ManagedProjection, Projected } from "./projection.ts";

export interface EventStreamOptions {
  readonly source: EventSource;
  readonly projection: ManagedProjection;
  /** Where a projection may begin: before the turns that have not ended. */
  readonly from: number;
  /** Events up to this one are read, and not shown. */
  readonly after: number;
  /** Which events this client wants to see grow. */
  readonly previews: ReadonlySet<string>;
  readonly requestId: string;
  readonly onFault: (error: unknown) => void;
}

export function streamManagedEvents(response: Response, options: EventStreamOptions): void {
  const previews = new Previews(options.previews);
  const frames = (logged: LoggedEvent): string => {
    const projected = options.projection.add(logged.parse());
    if (logged.seq <= options.after) return "";
    return projected
      .filter((event) => previews.shows(event))
      .map(frameOf)
      .join("");
  };
  streamFrames(response, {
    source: options.source,
    after: options.from,
    frames,
    endsAfter: () => false,
    opening: PING,
    ping: PING,
    failure: (code: TurnErrorCode, message: string) =>
      frameOf(anthropicError(new KartaError(code, message), options.requestId)),
    onFault: options.onFault,
  });
}

/** A preview whose beginning a client did not see would say nothing to it. */
class Previews {
  readonly #wanted: ReadonlySet<string>;
  #begun: string | null = null;

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  shows(event: Projected): boolean {
    if (isKept(event)) return true;
    switch (event.type) {
      case "event_start":
        if (!this.#wanted.has(event.event.type)) return false;
        this.#begun = event.event.id;
        return true;
      case "event_delta":
        return event.event_id === this.#begun;
    }
  }
}
