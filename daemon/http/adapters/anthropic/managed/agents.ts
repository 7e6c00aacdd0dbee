/** Projects as agents and environments, and which of them a request means. */
import { KartaError } from "../../../../../shared/errors.ts";
import type {
  Agent,
  Environment,
  SessionAgent,
} from "../../../../../shared/protocol/adapters/anthropic/agents.ts";
import type { Scope } from "../../../../sessions/scope.ts";
import type { ServedProject, ServedProjects } from "../../adapter.ts";
import { DEFAULT_AGENT, projectsIn } from "../../model.ts";

/** `PROJECT` is its default agent. */
export function agentIdOf(project: string, agent: string): string {
  return agent === DEFAULT_AGENT ? project : `${project}@${agent}`;
}

export interface ChosenAgent {
  readonly project: ServedProject;
  readonly agent: string;
}

/** @throws KartaError `not_found` */
export function chooseAgent(id: string, scope: Scope, served: ServedProjects): ChosenAgent {
  const found = agentsIn(scope, served).find(({ project, agent }) => agentIdOf(project.name, agent) === id);
  if (found !== undefined) return found;
  const known = agentsIn(scope, served).map(({ project, agent }) => agentIdOf(project.name, agent));
  throw new KartaError("not_found", `there is no agent "${id}"; there are: ${known.join(", ") || "none"}`);
}

export function agentsIn(scope: Scope, served: ServedProjects): ChosenAgent[] {
  return projectsIn(scope, served).flatMap((project) =>
    [DEFAULT_AGENT, ...project.agents].map((agent) => ({ project, agent })),
  );
}

/** @throws KartaError `not_found` */
export function chooseEnvironment(id: string, scope: Scope, served: ServedProjects): ServedProject {
  const found = projectsIn(scope, served).find(({ name }) => name === id);
  if (found !== undefined) return found;
  const known = projectsIn(scope, served).map(({ name }) => name);
  throw new KartaError(
    "not_found",
    `there is no environment "${id}"; an environment is a project: ${known.join(", ") || "none"}`,
  );
}

/** What a folder's agent is made of stays on the operator's machine. */
export function sessionAgent(project: string, agent: string): SessionAgent {
  const id = agentIdOf(project, agent);
  return {
    id,
    type: "agent",
    name: id,
    version: 1,
    description: null,
    execution_identity: { type: "service_account" },
    mcp_servers: [],
    model: { id },
    multiagent: null,
    skills: [],
    system: null,
    tools: [],
  };
}

export function agentView({ project, agent }: ChosenAgent): Agent {
  const created_at = new Date(project.createdAt).toISOString();
  return {
    ...sessionAgent(project.name, agent),
    metadata: {},
    created_at,
    updated_at: created_at,
    archived_at: null,
  };
}

export function environmentView({ name, createdAt }: ServedProject): Environment {
  const created_at = new Date(createdAt).toISOString();
  return {
    id: name,
    type: "environment",
    name,
    description: null,
    config: {
      type: "cloud",
      networking: { type: "unrestricted" },
      packages: { apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] },
    },
    metadata: {},
    created_at,
    updated_at: created_at,
    archived_at: null,
  };
}
