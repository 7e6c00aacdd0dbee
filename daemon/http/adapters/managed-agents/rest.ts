/** Whether a session has anything left to say. */
import type { Session } from "../../../../shared/protocol/sessions.ts";
import type { EventSource } from "../../../events/watcher.ts";
import { readBack } from "./read-back.ts";

/** False too for one whose last turn is over, but whose end is just being stored: a reader will see it come. */
export async function isAtRest(
  source: EventSource,
  { turn, last_seq }: Pick<Session, "turn" | "last_seq">,
): Promise<boolean> {
  if (turn !== null) return false;
  for await (const { type, turnId } of readBack(source, last_seq)) {
    if (turnId !== null) return type === "done" || type === "error";
  }
  return true;
}
