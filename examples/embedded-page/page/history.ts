/** A chat as it was: the transcript has the words, the events say how turns ended and which one still runs. */
import type { TranscriptMessage } from "./karta.ts";
import type { WireEvent } from "./wire-events.ts";

export interface PastTurn {
  readonly asked: string;
  readonly texts: readonly string[];
  /** What went wrong; null for a turn that ended well, or whose end is too long ago to be among the events. */
  readonly problem: string | null;
}

export interface History {
  readonly turns: readonly PastTurn[];
  /** The turn that has not ended, and the seq before its first event. */
  readonly open: { readonly asked: string; readonly after: number } | null;
  /** The newest seq. */
  readonly seq: number;
}

/** @param events those after the last turn that was seen to end well */
export function historyOf(messages: readonly TranscriptMessage[], events: readonly WireEvent[]): History {
  const problems = new Map<string, string>();
  let open: { id: string; after: number } | null = null;
  for (const event of events) {
    if (event.type === "running" && event.messageId !== "")
      open = { id: event.messageId, after: event.seq - 1 };
    else if (event.type === "end") open = null;
    else if (event.type === "error") {
      if (open !== null) problems.set(open.id, event.message);
      open = null;
    }
  }
  const turns: { asked: string; texts: string[]; problem: string | null }[] = [];
  const openId = open?.id;
  const begun = messages.findIndex(({ id }) => id === openId);
  for (const { id, isVisitors, texts } of begun < 0 ? messages : messages.slice(0, begun)) {
    if (isVisitors) turns.push({ asked: texts.join("\n"), texts: [], problem: problems.get(id) ?? null });
    else turns.at(-1)?.texts.push(...texts);
  }
  const asked = messages[begun]?.texts.join("\n") ?? "…"; // the harness writes a message down a moment after it began
  return {
    turns,
    open: open === null ? null : { asked, after: open.after },
    seq: events.at(-1)?.seq ?? 0,
  };
}
