/**
 * `karta.toml` and `karta.jsonc`, read and merged: what the rest of Karta sees of them (spec: karta-toml).
 * The files' own form, with its unknown-key warnings, is parsed in daemon/projects.
 */
import type { EntryPoint, HarnessType } from "./protocol/projects.ts";
import type { PermissionMode } from "./protocol/sessions.ts";

/** What `[env]` says of one name. */
export interface EnvNeed {
  readonly name: string;
  readonly required: boolean;
  readonly description: string | null;
}

export type InputPolicy = "prompt" | "deny" | "approve_once" | "approve_session" | "error";

/** Every value is present: what a folder leaves out has its default here. */
export interface Manifest {
  readonly name: string | null;
  readonly deploy: boolean;
  readonly entryPoint: EntryPoint | null;
  readonly harness: {
    /** Null: decided by what the folder holds. */
    readonly type: HarnessType | null;
    readonly version: string | null;
    /** `type = "acp"` only. */
    readonly command: readonly string[] | null;
    readonly model: string | null;
    readonly allowedTools: readonly string[];
    readonly disallowedTools: readonly string[];
    /** Null: the harness's own default. */
    readonly thinkingBudgetTokens: number | null;
    readonly permissionIntercept: boolean;
  };
  /** Relative to the folder. */
  readonly setup: string | null;
  readonly env: readonly EnvNeed[];
  /** Names of the daemon's environment that go to the app's own code, and nowhere else. */
  readonly passEnv: readonly string[];
  readonly runtime: {
    readonly permissionMode: PermissionMode;
    readonly approvalTimeoutSeconds: number;
    readonly turnTimeoutSeconds: number;
    readonly workspace: "shared" | "session";
    /** What the project starts runs in a sandbox, or not at all. */
    readonly sandbox: boolean;
  };
  readonly http: {
    /** Origins of the browser pages that may call the project's own paths. */
    readonly allowedOrigins: readonly string[];
  };
  readonly pool: {
    readonly spares: number;
    readonly idleTimeoutSeconds: number;
    readonly maxProcesses: number;
  };
  readonly cli: {
    readonly hiddenEventTypes: readonly string[];
    readonly inputRequiredPolicy: InputPolicy;
    readonly inputRequiredHiddenPolicy: InputPolicy;
  };
  readonly profile: { readonly name: string | null; readonly displayName: string | null };
}

export const MANIFEST_DEFAULTS: Manifest = {
  name: null,
  deploy: true,
  entryPoint: null,
  harness: {
    type: null,
    version: null,
    command: null,
    model: null,
    allowedTools: [],
    disallowedTools: [],
    thinkingBudgetTokens: null,
    permissionIntercept: true,
  },
  setup: null,
  env: [],
  passEnv: [],
  runtime: {
    permissionMode: "interactive",
    approvalTimeoutSeconds: 900,
    turnTimeoutSeconds: 1800,
    workspace: "shared",
    sandbox: false,
  },
  http: { allowedOrigins: [] },
  pool: { spares: 1, idleTimeoutSeconds: 600, maxProcesses: 16 },
  cli: { hiddenEventTypes: [], inputRequiredPolicy: "prompt", inputRequiredHiddenPolicy: "deny" },
  profile: { name: null, displayName: null },
};
