/** Ends a response's turn, and waits until that can be read. */
import { KartaError } from "../../../../shared/errors.ts";
import { isTerminal } from "../../../../shared/events.ts";
import { Watcher, type EventSource } from "../../../events/watcher.ts";
import type { Scope } from "../../../sessions/scope.ts";
import type { AdapterOptions } from "../adapter.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Harmless for one that has ended. */
export async function endTurn(
  { sessions, eventsOf }: Pick<AdapterOptions, "sessions" | "eventsOf">,
  scope: Scope,
  row: StoredResponse,
): Promise<void> {
  try {
    await sessions.cancel(scope, row.session_id, row.turn_id);
  } catch (error) {
    if (error instanceof KartaError && error.code === "no_turn_running") return;
    throw error;
  }
  await turnEnd(eventsOf(row.session_id), row);
}

/** An agent that does not listen is ended after ten seconds. */
const END_MS = 15_000;

/** Resolves when a turn's end is in the log, or after a while: one that could not be stored never comes. */
function turnEnd(source: EventSource, { turn_id, accepted_seq }: StoredResponse): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      watcher.close();
      resolve();
    };
    const timer = setTimeout(stop, END_MS);
    const watcher = new Watcher({
      source,
      after: accepted_seq,
      sink: {
        write: (events) => {
          if (events.some((event) => event.turnId === turn_id && isTerminal(event))) stop();
          return events.length;
        },
        tooSlow: stop,
        expired: stop,
        failed: stop,
      },
    });
  });
}
