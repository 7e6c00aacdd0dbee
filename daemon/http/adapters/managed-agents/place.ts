/**
 * Where in a turn's message a cursor lies. A run of text, or of reasoning, with nothing else of the turn between its
 * deltas is one part; what it comes after names it. So a part has the same id for every reader, wherever it began.
 */
import type { LoggedEvent } from "../../../events/logged-event.ts";
import type { EventSource } from "../../../events/watcher.ts";
import { readBack } from "./read-back.ts";

export interface Place {
  /** Null before the first event. */
  readonly turnId: string | null;
  /** The seq of the turn's last event that has a part in its message. */
  readonly last: number;
  /** The part that the next delta of its kind goes on with; `after`: the seq of what came before it in the turn, or 0. */
  readonly part: { readonly type: "text" | "reasoning"; readonly after: number } | null;
}

export const START: Place = { turnId: null, last: 0, part: null };

/** Events that a message is made of: any of another kind ends a part. */
function hasPart(event: LoggedEvent): boolean {
  switch (event.type) {
    case "text":
    case "reasoning":
    case "tool_use":
    case "tool_result":
      return true;
    case "message":
    case "step_start":
    case "step_finish":
    case "agent_handoff":
    case "input_required":
    case "input_resolved":
    case "system":
    case "error":
    case "done":
      return false;
  }
}

/** The place after a seq. Reads back to where the part that goes on there begins. */
export async function placeAfter(source: EventSource, seq: number): Promise<Place> {
  let newest: LoggedEvent | null = null;
  for await (const event of readBack(source, seq)) {
    if (!hasPart(event)) continue;
    if (newest === null) {
      newest = event;
      if (event.type !== "text" && event.type !== "reasoning") break;
    } else if (event.turnId !== newest.turnId) {
      break;
    } else if (event.type !== newest.type) {
      return placeOf(newest, event.seq);
    }
  }
  return newest === null ? START : placeOf(newest, 0);
}

function placeOf(newest: LoggedEvent, after: number): Place {
  const { turnId, type, seq } = newest;
  const part = type === "text" || type === "reasoning" ? { type, after } : null;
  return { turnId, last: seq, part };
}
