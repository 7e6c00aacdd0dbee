/** From an entry point that was checked to the app that its project runs. */
import { KartaError } from "../../shared/errors.ts";
import { TOOL_SERVER } from "../../shared/protocol/projects.ts";
import type { LoadedApp } from "../apps/apps.ts";
import type { AppDescription, EntryPointCheck } from "../apps/protocol.ts";
import type { ProjectDefinition } from "./definition.ts";

/**
 * Null: the project has no code that is ever called.
 * @param check null: it names no entry point
 * @throws KartaError `entry_point_failed`, `invalid_project`
 */
export function loadedApp(definition: ProjectDefinition, check: EntryPointCheck | null): LoadedApp | null {
  if (check === null) return null;
  if (!check.ok) {
    throw new KartaError("entry_point_failed", `${check.problem}; ${check.fix}`, {
      issues: [{ path: "karta.toml: entry_point", message: check.problem }],
    });
  }
  requireFreeServerName(definition, check.app);
  if (check.worker === null) return null;
  const { agents, skills, appEnv: secrets } = definition;
  return { description: check.app, worker: check.worker, context: { agents, skills }, secrets };
}

/** The agent would see one server of the two, and not the one that was meant. */
function requireFreeServerName({ mcpServers }: ProjectDefinition, { tools }: AppDescription): void {
  if (tools.length === 0 || !Object.hasOwn(mcpServers, TOOL_SERVER)) return;
  const message = `expected another name than "${TOOL_SERVER}": the app's own tools are offered under it`;
  throw new KartaError("invalid_project", message, {
    issues: [{ path: `.mcp.json: mcpServers.${TOOL_SERVER}`, message }],
  });
}
