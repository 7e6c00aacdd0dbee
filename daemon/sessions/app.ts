/** A session's dealings with its project's own code. */
import { KartaError } from "../../shared/errors.ts";
import type { ToolCall, ToolResult } from "../harness/harness.ts";
import { appSession, type AppEvent, type InboundMessage } from "./app-events.ts";
import type { LiveSession } from "./live-session.ts";
import type { SessionApp, SessionProject } from "./runtime.ts";
import type { Turn } from "./turn.ts";

/** Tells the app's hooks, if it has any. Returns at once. */
export function tellApp(project: SessionProject, event: () => AppEvent): void {
  project.app().then(
    (app) => app?.notify(event()),
    () => undefined, // the project was removed meanwhile, and its app with it
  );
}

/**
 * Asks the app's policies about a message.
 * @returns the text that goes on
 * @throws KartaError `policy_refused`, also when they could not be asked
 */
export async function askPolicies(app: SessionApp, message: InboundMessage): Promise<string> {
  const admission = await app.admit(message);
  switch (admission.kind) {
    case "allow":
      return admission.text;
    case "refuse":
      throw new KartaError("policy_refused", admission.message);
    case "failed":
      throw new KartaError(
        "policy_refused",
        `the app's own check of messages failed, so this one was not accepted; its log says more: karta logs --project ${message.session.project}`,
      );
  }
}

/** Runs one of the app's tools for a turn. Never rejects. */
export async function callTool(session: LiveSession, turn: Turn, call: ToolCall): Promise<ToolResult> {
  const app = await session.project.app().catch(() => null);
  if (app === null) return { isError: true, content: `there is no tool ${call.name} any more` };
  return app.callTool({
    ...call,
    signal: AbortSignal.any([call.signal, turn.cancelSignal]),
    session: appSession(session.record),
    turnId: turn.id,
  });
}
