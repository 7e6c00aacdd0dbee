/** Why a turn failed, in the words of Managed Agents. */
import type { EventData } from "../../../../../shared/events.ts";
import type { ManagedEvent } from "../../../../../shared/protocol/adapters/anthropic/events.ts";

type SessionError = Extract<ManagedEvent, { type: "session.error" }>["error"];

/** The turn is over, whatever it was: the next message starts another. */
export function errorOf({ code, message }: EventData<"error">): SessionError {
  return { type: typeOf(code), message, retry_status: { type: "exhausted" } };
}

function typeOf(code: EventData<"error">["code"]): SessionError["type"] {
  if (code === "budget_exhausted") return "billing_error";
  return code === "model_error" || code === "model_auth" ? "model_request_failed_error" : "unknown_error";
}
