/** Projects as the operator's plane shows them (spec: cli, karta-toml). */
import { z } from "zod";
import { IssueSchema } from "../errors.ts";
import { AppWorkerSchema } from "./apps.ts";
import { ProjectNameSchema } from "./sessions.ts";

export const HARNESS_TYPES = [
  "claude-code",
  "opencode",
  "codex-cli",
  "goose",
  "deepagents",
  "gemini",
  "acp",
] as const;
export const HarnessTypeSchema = z.enum(HARNESS_TYPES);
export type HarnessType = z.infer<typeof HarnessTypeSchema>;

/** An agent or skill found in the folder. `path` is relative to it. */
export const DiscoveredSchema = z.object({ name: z.string(), description: z.string(), path: z.string() });
export type Discovered = z.infer<typeof DiscoveredSchema>;

export const EntryPointSchema = z.object({
  /** `module:attribute`, as karta.toml has it. */
  spec: z.string(),
  buildpack: z.enum(["python", "node"]),
});
export type EntryPoint = z.infer<typeof EntryPointSchema>;

/**
 * Whether a project can take turns. `checking`: its entry point is being loaded. `failed`: it did not load, or the
 * folder is gone; `detail` says why and what to do.
 */
export const ProjectHealthSchema = z.discriminatedUnion("state", [
  z.object({ state: z.literal("checking") }),
  z.object({ state: z.literal("ready") }),
  z.object({ state: z.literal("failed"), detail: z.string() }),
]);
export type ProjectHealth = z.infer<typeof ProjectHealthSchema>;

/** The MCP server that offers an app's own tools: Claude Code calls one of them `mcp__karta__NAME`. */
export const TOOL_SERVER = "karta";

/** What a project's own code has registered. */
export const ProjectAppSchema = z.object({
  /** The events it has hooks for, one each hook. */
  hooks: z.array(z.string()),
  policies: z.array(z.string()),
  tools: z.array(z.string()),
});
export type ProjectApp = z.infer<typeof ProjectAppSchema>;

export const ProjectSchema = z.object({
  name: z.string(),
  /** Absolute, links resolved. */
  path: z.string(),
  version: z.string(),
  harness: HarnessTypeSchema,
  entry_point: EntryPointSchema.nullable(),
  app: ProjectAppSchema,
  /** What runs its code; null where none of it is ever called, or it has not been loaded yet. */
  worker: AppWorkerSchema.nullable(),
  agents: z.array(DiscoveredSchema),
  skills: z.array(DiscoveredSchema),
  /** Names of the MCP servers in .mcp.json. */
  mcp_servers: z.array(z.string()),
  permission_mode: z.enum(["interactive", "autonomous"]),
  workspace: z.enum(["shared", "session"]),
  health: ProjectHealthSchema,
  is_default: z.boolean(),
  sessions: z.int().nonnegative(),
  created_at: z.string(),
});
export type Project = z.infer<typeof ProjectSchema>;

export const ProjectWarningSchema = IssueSchema;

export const AddProjectSchema = z.strictObject({
  /** Absolute: the CLI resolves it against the user's own folder. */
  path: z.string().min(1).max(4096),
  name: ProjectNameSchema.optional(),
});

/** What `project add` and `project check` found. `warnings` never stop a registration. */
export const ProjectReportSchema = z.object({
  project: ProjectSchema.omit({
    is_default: true,
    sessions: true,
    created_at: true,
    health: true,
    worker: true,
  }),
  /**
   * The harness's program: where it is, its version, and what Karta speaks with it; null when it is missing, and then a
   * warning says what to do.
   */
  harness_binary: z.object({ version: z.string(), path: z.string(), protocol: z.string() }).nullable(),
  warnings: z.array(ProjectWarningSchema),
});
export type ProjectReport = z.infer<typeof ProjectReportSchema>;

export const AddProjectResultSchema = z.object({
  project: ProjectSchema,
  /** False: the same folder was registered under the same name before. */
  created: z.boolean(),
  warnings: z.array(ProjectWarningSchema),
});
export type AddProjectResult = z.infer<typeof AddProjectResultSchema>;
