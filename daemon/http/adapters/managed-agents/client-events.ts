/** `POST …/events`: what a client says becomes a turn, an answer, or a turn's end. */
import type { ClientEvent } from "../../../../shared/protocol/adapters/managed-agents.ts";
import type { InputAnswer } from "../../../../shared/protocol/sessions.ts";
import type { Idempotency } from "../../../sessions/idempotency.ts";
import type { Scope } from "../../../sessions/scope.ts";
import type { SessionService } from "../../../sessions/service.ts";

type Confirmation = Extract<ClientEvent, { type: "user.tool_confirmation" }>;

/** Resolves when it is accepted. @throws KartaError as `send`, `resolveInput` and `cancel` of the session service */
export async function takeClientEvent(
  sessions: SessionService,
  { scope, id }: { readonly scope: Scope; readonly id: string },
  event: ClientEvent,
  idempotency: Idempotency | null,
): Promise<void> {
  switch (event.type) {
    case "user.message":
      // The wire shows thinking; a client that wants none passes it over.
      await sessions.send(scope, id, { text: event.text, thinking: true }, idempotency);
      return;
    case "user.tool_confirmation":
      await sessions.resolveInput(scope, id, event.request_id, answerOf(event));
      return;
    case "user.interrupt":
      await sessions.cancel(scope, id);
      return;
  }
}

function answerOf({ result, message, answers }: Confirmation): InputAnswer {
  const more = {
    ...(message === undefined ? {} : { message }),
    ...(answers === undefined ? {} : { answers }),
  };
  switch (result) {
    case "allow":
      return { decision: "approve_once", ...more };
    case "approve_once":
    case "approve_session":
    case "deny":
      return { decision: result, ...more };
  }
}
