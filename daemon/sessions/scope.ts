/** What a caller may reach. */
import { KartaError } from "../../shared/errors.ts";
import type { SessionRecord } from "../store/sessions.ts";
import { DEFAULT_AGENT, type SessionProject } from "./runtime.ts";

/** Which sessions a caller may reach: all of the daemon's, or one project's. */
export type Scope = { readonly kind: "all" } | { readonly kind: "project"; readonly name: string };

export function inScope(scope: Scope, record: Pick<SessionRecord, "project">): boolean {
  return scope.kind === "all" || record.project === scope.name;
}

/**
 * @param field the request's field that names the agent
 * @throws KartaError `unknown_agent`, listing the known
 */
export function requireAgent(project: SessionProject, agent: string, field = "agent"): void {
  const known = [DEFAULT_AGENT, ...project.agents];
  if (known.includes(agent)) return;
  throw new KartaError(
    "unknown_agent",
    `"${agent}" is not an agent of ${project.name}; it has: ${known.join(", ")}`,
    {
      fields: { known },
      issues: [{ path: field, message: `expected one of: ${known.join(", ")}` }],
    },
  );
}
