/** The registry as sessions see it: what to launch, and whether it can be launched. */
import { KartaError } from "../../shared/errors.ts";
import type { HarnessType } from "../../shared/protocol/projects.ts";
import type { Apps } from "../apps/apps.ts";
import type { Harness, LaunchSpec } from "../harness/harness.ts";
import { DEFAULT_AGENT, type SessionProject, type SessionProjects } from "../sessions/runtime.ts";
import { MANIFEST_DEFAULTS } from "../../shared/manifest.ts";
import type { ProjectDefinition } from "./definition.ts";
import { PROJECT_VERSION, type RegisteredProject } from "./registered-project.ts";
import type { ProjectRegistry } from "./registry.ts";
import { putUpload } from "./uploads.ts";
import type { Workspace, WorkspaceProject, Workspaces } from "./workspace.ts";

export interface SessionProjectsOptions {
  readonly registry: ProjectRegistry;
  readonly workspaces: Workspaces;
  readonly apps: Apps;
  readonly harnessOf: (type: HarnessType) => Harness;
  /** What stands in the way of a sandbox now, with what to do; null: nothing is known to. */
  readonly sandboxProblem: () => string | null;
}

export function sessionProjects({
  registry,
  workspaces,
  apps,
  harnessOf,
  sandboxProblem,
}: SessionProjectsOptions): SessionProjects {
  const view = (project: RegisteredProject): SessionProject => {
    const manifest = project.definition?.manifest ?? MANIFEST_DEFAULTS;
    const harness = harnessOf(project.definition?.harness ?? "claude-code");
    return {
      name: project.row.name,
      version: PROJECT_VERSION,
      agents: [
        ...new Set([
          ...(project.definition?.agents.map((agent) => agent.name) ?? []),
          ...harness.ownAgents(project.row.name),
        ]),
      ],
      permissionMode: manifest.runtime.permissionMode,
      approvalTimeoutMs: manifest.runtime.approvalTimeoutSeconds * 1000,
      turnTimeoutMs: manifest.runtime.turnTimeoutSeconds * 1000,
      idleTimeoutMs: manifest.pool.idleTimeoutSeconds * 1000,
      maxProcesses: manifest.pool.maxProcesses,
      // A private copy of the folder per session: no process can be started before its session is there.
      spares: manifest.runtime.workspace === "shared" ? manifest.pool.spares : 0,
      harness,
      requireReady: () => requireReady(project, harness, sandboxProblem),
      app: async () => {
        const { name } = project.row;
        const registered = registry.find(name);
        if (registered === null) throw new KartaError("not_found", "no such session");
        await registered.checked;
        return apps.find(name);
      },
      commonLaunch: async (agent) => {
        await project.checked;
        if (project.health.state !== "ready" || harness.availability().kind !== "available") return null;
        if (manifest.runtime.workspace !== "shared") return null;
        try {
          const shared = await workspaces.prepare(workspaceOf(project), "shared");
          return launchSpec(project, agent, shared);
        } catch {
          return null; // the turn will tell
        }
      },
      launch: async (sessionId, agent) => {
        await project.checked;
        requireReady(project, harness, sandboxProblem);
        return launchSpec(project, agent, workspaces.of(workspaceOf(project), sessionId));
      },
      prepareWorkspace: async (sessionId) => {
        await workspaces.prepare(workspaceOf(project), sessionId);
      },
      putFile: async (sessionId, name, content) => {
        await project.checked;
        const { cwd } = await workspaces.prepare(workspaceOf(project), sessionId);
        return putUpload(cwd, name, content);
      },
    };
  };
  return {
    find: (name) => {
      const project = registry.find(name);
      return project === null ? null : view(project);
    },
    findDefault: () => view(registry.findDefault()),
    discardWorkspace: (project, sessionId) => workspaces.discard(project, sessionId),
  };
}

function requireReady(
  { row, health, definition }: RegisteredProject,
  harness: Harness,
  sandboxProblem: () => string | null,
): void {
  if (health.state === "failed") {
    throw new KartaError(
      "harness_unavailable",
      `project ${row.name} cannot run: ${health.detail}; mend it and run \`karta project add ${row.path} ${row.name}\` again`,
    );
  }
  const problem = definition?.manifest.runtime.sandbox ? sandboxProblem() : null;
  if (problem !== null)
    throw new KartaError("harness_unavailable", `project ${row.name} wants a sandbox: ${problem}`);
  const availability = harness.availability();
  if (availability.kind === "unavailable") throw new KartaError("harness_unavailable", availability.detail);
}

/** @throws KartaError `harness_unavailable` for a folder that could not be read */
function definitionOf({ row, definition }: RegisteredProject): ProjectDefinition {
  if (definition !== null) return definition;
  throw new KartaError(
    "harness_unavailable",
    `project ${row.name} could not be read; see \`karta project show\``,
  );
}

function workspaceOf(project: RegisteredProject): WorkspaceProject {
  return { name: project.row.name, definition: definitionOf(project) };
}

function launchSpec(project: RegisteredProject, agent: string, { cwd, home }: Workspace): LaunchSpec {
  const { row, app } = project;
  const definition = definitionOf(project);
  const { harness } = definition.manifest;
  return {
    project: row.name,
    projectVersion: PROJECT_VERSION,
    cwd,
    home,
    agent: agent === DEFAULT_AGENT ? null : agent,
    hasAgents: definition.agents.length > 0,
    model: harness.model,
    allowedTools: harness.allowedTools,
    disallowedTools: harness.disallowedTools,
    thinkingBudgetTokens: harness.thinkingBudgetTokens,
    permissionIntercept: harness.permissionIntercept,
    tools: app.tools.map(({ name, description, input_schema, timeout_seconds }) => ({
      name,
      description,
      inputSchema: input_schema,
      timeoutSeconds: timeout_seconds,
    })),
    command: harness.command,
    mcpServers: definition.mcpServers,
    env: definition.boundEnv,
    sandbox: definition.manifest.runtime.sandbox,
  };
}
