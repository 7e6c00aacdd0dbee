/** What a caller may reach. */
import { KartaError } from "../../shared/errors.ts";
import type { SessionRecord } from "../store/sessions.ts";
import { DEFAULT_AGENT, type SessionProject } from "./runtime.ts";

/** Which sessions a caller may reach: all of the daemon's, one project's, or in it one end user's. */
export type Scope =
  | { readonly kind: "all" }
  | {
      readonly kind: "project";
      readonly name: string;
      /** Null: everybody's. */
      readonly endUser: string | null;
    };

export function inScope(scope: Scope, record: Pick<SessionRecord, "project" | "end_user">): boolean {
  const { project, endUser } = limitsOf(scope);
  return (
    (project === null || record.project === project) && (endUser === null || record.end_user === endUser)
  );
}

/** A scope as a filter: null where it limits nothing. */
export function limitsOf(scope: Scope): { readonly project: string | null; readonly endUser: string | null } {
  switch (scope.kind) {
    case "all":
      return { project: null, endUser: null };
    case "project":
      return { project: scope.name, endUser: scope.endUser };
  }
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
