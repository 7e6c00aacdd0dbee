/** Karta's sessions as those of Managed Agents. */
import type { ManagedSession } from "../../../../../shared/protocol/adapters/anthropic/sessions.ts";
import type { Metadata, Session } from "../../../../../shared/protocol/sessions.ts";
import { sessionAgent } from "./agents.ts";

/** Keys of the metadata that have a meaning here, and are not shown among it. */
export const TITLE_KEY = "title";
export const API_KEY = "api";
export const API = "anthropic-managed-agents";

export function sessionView(session: Session): ManagedSession {
  const title = session.metadata[TITLE_KEY];
  return {
    id: session.id,
    type: "session",
    agent: sessionAgent(session.project.ref, session.current_agent),
    environment_id: session.project.ref,
    status: statusOf(session),
    title: typeof title === "string" ? title : null,
    metadata: textsOf(session.metadata),
    created_at: session.created_at,
    updated_at: session.updated_at,
    archived_at: session.status === "archived" ? session.updated_at : null, // nothing changes it after that
    usage: { input_tokens: session.usage.input_tokens, output_tokens: session.usage.output_tokens },
    stats: {},
    budget: null,
    deployment_id: null,
    outcome_evaluations: [],
    resources: [],
    vault_ids: [],
  };
}

function statusOf({ status, turn }: Session): ManagedSession["status"] {
  if (status === "archived") return "terminated";
  return turn === null || turn.state === "awaiting_input" ? "idle" : "running";
}

/** The session API takes any JSON scalar. */
function textsOf(metadata: Metadata): Record<string, string> {
  const shown = Object.entries(metadata).filter(([key]) => key !== TITLE_KEY && key !== API_KEY);
  return Object.fromEntries(shown.map(([key, value]) => [key, String(value)]));
}
