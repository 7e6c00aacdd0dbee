/** One session event as one line. */
import type { EventType, SessionEvent } from "../../shared/events.ts";
import { clock } from "../../shared/terminal/clock.ts";
import { oneLine } from "./harmless.ts";
import { inputPhrase } from "./input.ts";
import type { Paint, Style } from "./paint.ts";
import { compact, toolLine } from "./tool-line.ts";
import { count } from "./units.ts";
import { columnsOf, cut } from "./width.ts";

const STYLES: Readonly<Record<EventType, Style>> = {
  message: "cyan",
  text: "white",
  reasoning: "dim",
  tool_use: "magenta",
  tool_result: "magenta",
  step_start: "blue",
  step_finish: "blue",
  agent_handoff: "yellow",
  input_required: "yellow",
  input_resolved: "yellow",
  system: "dim",
  error: "red",
  done: "green",
};
const TYPE_WIDTH = Math.max(...Object.keys(STYLES).map((type) => type.length));
/** A line in a pipe is cut too: an event can carry 32 KiB, and one line each is the promise. */
const LINE_IN_PIPE = 400;
const SHORT_ID = "sess_".length + 8;

/** `14:03:07.120  sess_ab12cd34  tool_use  Read {"file":"a.txt"}`. */
export function eventLine(event: SessionEvent, paint: Paint, columns: number | null): string {
  const head = `${clock(event.timestamp)}  ${oneLine(event.session_id).slice(0, SHORT_ID)}  `;
  const room = (columns ?? LINE_IN_PIPE) - columnsOf(head) - TYPE_WIDTH - 2;
  const summary = cut(oneLine(summaryOf(event)), Math.max(room, 20));
  const type = paint(STYLES[event.type], event.type.padEnd(TYPE_WIDTH));
  return `${paint("dim", head)}${type}  ${summary}`;
}

/** What the event says, in a phrase; not yet harmless. */
export function summaryOf(event: SessionEvent): string {
  switch (event.type) {
    case "message":
      return `${event.data.participant?.name ?? "user"}: ${event.data.text}`;
    case "text":
    case "reasoning":
      return event.data.part.text;
    case "tool_use":
      return toolLine(event.data.tool_name, event.data.tool_input);
    case "tool_result":
      return `${event.data.is_error ? "failed: " : ""}${event.data.content}${event.data.truncated ? " (cut)" : ""}`;
    case "step_start":
      return `step ${event.data.step_index}: ${event.data.description}`;
    case "step_finish":
      return `step ${event.data.step_index}: ${event.data.result}`;
    case "agent_handoff":
      return `${event.data.from} → ${event.data.to}`;
    case "input_required":
      return `${event.data.request_id} ${inputPhrase(event.data)}`;
    case "input_resolved":
      return `${event.data.request_id} ${event.data.decision} by ${event.data.by}`;
    case "system":
      return `${event.data.subtype} ${compact(event.data.detail)}`;
    case "error":
      return `${event.data.code}: ${event.data.message}${event.data.retryable ? " (can be tried again)" : ""}`;
    case "done":
      return `${event.data.status}, ${count(event.data.usage.total_tokens, "token")}`;
  }
}
