/** Projects as the operator's plane shows them. */
import type { Issue } from "../../shared/errors.ts";
import type { AppWorkerStatus } from "../../shared/protocol/apps.ts";
import type { Project, ProjectReport } from "../../shared/protocol/projects.ts";
import type { AppDescription } from "../apps/protocol.ts";
import type { ProjectDefinition } from "./definition.ts";
import type { HarnessBinary } from "../harness/harness.ts";
import { PROJECT_VERSION, type RegisteredProject } from "./registered-project.ts";

function facts(name: string, definition: ProjectDefinition, app: AppDescription): ProjectReport["project"] {
  return {
    name,
    path: definition.root,
    version: PROJECT_VERSION,
    harness: definition.harness,
    entry_point: definition.manifest.entryPoint,
    app: {
      hooks: app.handlers.map(({ event }) => event),
      policies: [...app.policies],
      tools: app.tools.map((tool) => tool.name),
    },
    agents: [...definition.agents],
    skills: [...definition.skills],
    mcp_servers: Object.keys(definition.mcpServers),
    permission_mode: definition.manifest.runtime.permissionMode,
    workspace: definition.manifest.runtime.workspace,
  };
}

/** A folder that can't be read now is shown with what is known: its name and its place. */
export function projectView(
  { row, definition, app, health }: RegisteredProject,
  { sessions, worker }: { readonly sessions: number; readonly worker: AppWorkerStatus | null },
): Project {
  const known: ProjectReport["project"] =
    definition !== null
      ? facts(row.name, definition, app)
      : {
          name: row.name,
          path: row.path,
          version: PROJECT_VERSION,
          harness: "claude-code",
          entry_point: null,
          app: { hooks: [], policies: [], tools: [] },
          agents: [],
          skills: [],
          mcp_servers: [],
          permission_mode: "interactive",
          workspace: "shared",
        };
  return {
    ...known,
    worker,
    health,
    is_default: row.is_default === 1,
    sessions,
    created_at: new Date(row.created_at).toISOString(),
  };
}

export function reportView(
  name: string,
  definition: ProjectDefinition,
  app: AppDescription,
  binary: HarnessBinary,
  warnings: readonly Issue[],
): ProjectReport {
  return {
    project: facts(name, definition, app),
    harness_binary:
      binary.kind === "missing"
        ? null
        : { version: binary.version, path: binary.path, protocol: binary.protocol },
    warnings: [...warnings],
  };
}
