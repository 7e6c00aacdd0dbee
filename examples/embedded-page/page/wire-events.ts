/** Karta's managed-agents events, as far as a chat page needs them. What has another form is passed over. */
import { field, parseJson, text } from "../../support-bot-demo/web/page/karta-events.ts";

export type WireEvent =
  /** A turn begins, with the id of the message that it answers; or it goes on after a request was answered. */
  | { readonly type: "running"; readonly seq: number; readonly messageId: string; readonly requestId: string }
  /** More of a part of the reply; or, with `replaces`, all of it. */
  | {
      readonly type: "message";
      readonly seq: number;
      readonly partId: string;
      readonly text: string;
      readonly replaces: boolean;
    }
  | { readonly type: "thinking"; readonly seq: number }
  | { readonly type: "tool"; readonly seq: number; readonly tool: string }
  /** The turn waits for the visitor. */
  | { readonly type: "request"; readonly seq: number; readonly request: ActionRequest }
  | { readonly type: "end"; readonly seq: number; readonly interrupted: boolean }
  | { readonly type: "error"; readonly seq: number; readonly message: string };

export interface ActionRequest {
  readonly id: string;
  readonly isQuestion: boolean;
  readonly tool: string;
  readonly target: string;
  readonly options: readonly string[];
}

export function narrowJson(json: string): WireEvent | undefined {
  return narrow(parseJson(json));
}

export function narrow(event: unknown): WireEvent | undefined {
  const seq = field(event, "seq");
  if (typeof seq !== "number") return undefined;
  switch (field(event, "type")) {
    case "session.status_running":
      return {
        type: "running",
        seq,
        messageId: text(field(event, "message_id")),
        requestId: text(field(event, "request_id")),
      };
    case "agent.message":
      return {
        type: "message",
        seq,
        partId: text(field(event, "part_id")),
        text: text(field(event, "text")),
        replaces: field(event, "delta") !== true,
      };
    case "agent.thinking":
      return { type: "thinking", seq };
    case "agent.tool_use":
      return { type: "tool", seq, tool: text(field(event, "tool")) };
    case "session.status_idle":
      return field(event, "stop_reason") === "requires_action"
        ? { type: "request", seq, request: requestOf(event) }
        : { type: "end", seq, interrupted: field(event, "interrupted") === true };
    case "session.error":
      return { type: "error", seq, message: text(field(event, "message")) };
    default:
      return undefined;
  }
}

function requestOf(event: unknown): ActionRequest {
  const options = field(event, "options");
  return {
    id: text(field(event, "request_id")),
    isQuestion: field(event, "kind") === "question",
    tool: text(field(event, "tool")),
    target: text(field(event, "target")),
    options: Array.isArray(options) ? options.map(text) : [],
  };
}
