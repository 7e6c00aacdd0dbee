/** A project folder as it was read from disk, validated. Produced by `readProject`; immutable. */
import type { Issue } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/manifest.ts";
import type { Discovered, HarnessType } from "../../shared/protocol/projects.ts";
import type { OfflineScript } from "../offline-model/script.ts";

export interface ProjectDefinition {
  /** Absolute, links resolved. */
  readonly root: string;
  readonly manifest: Manifest;
  readonly harness: HarnessType;
  readonly agents: readonly Discovered[];
  readonly skills: readonly Discovered[];
  /** `.mcp.json`'s `mcpServers`, as they stand there (the harness reads them). */
  readonly mcpServers: Readonly<Record<string, unknown>>;
  /** The names of `[env]` that are bound, from the folder's `.env` or else the daemon's environment. */
  readonly boundEnv: Readonly<Record<string, string>>;
  /** What its own code gets of them, and of what `[env] pass` names. */
  readonly appEnv: Readonly<Record<string, string>>;
  /** Null: no offline.toml. */
  readonly offlineScript: OfflineScript | null;
}

export interface ReadProjectResult {
  readonly definition: ProjectDefinition;
  /** Never stop a registration: unknown keys, a fact in both files, tables that mean nothing here. */
  readonly warnings: readonly Issue[];
}
