/** Reads `karta.toml` and `karta.jsonc` and merges them into one `Manifest` (spec: karta-toml). */
import type { z } from "zod";
import { MANIFEST_DEFAULTS, type EnvNeed, type Manifest } from "../../shared/manifest.ts";
import type { EntryPoint, HarnessType } from "../../shared/protocol/projects.ts";
import type { Findings } from "./findings.ts";
import { readText } from "./folder-files.ts";
import { refuseWrongValues } from "./manifest-issues.ts";
import { KartaJsoncSchema, KartaTomlSchema, type KartaJsonc, type KartaToml } from "./manifest-schema.ts";
import { parseJson } from "./parse-json.ts";
import { parseToml, type Parsed } from "../../shared/toml.ts";
import { warnOfUnknownKeys, type ManifestFileName } from "./unknown-keys.ts";

/** `karta.toml`'s own content: `{}` when there is none, null when it is wrong (the findings say how). */
export function readKartaToml(root: string, findings: Findings): Promise<KartaToml | null> {
  return readManifestFile(root, "karta.toml", KartaTomlSchema, parseToml, findings);
}

/** `karta.jsonc`'s own content: `{}` when there is none, null when it is wrong (the findings say how). */
export function readKartaJsonc(root: string, findings: Findings): Promise<KartaJsonc | null> {
  // Every key is optional, so a file with nothing but comments is fine too.
  const parse = (text: string): Parsed => {
    const parsed = parseJson(text, "jsonc");
    return parsed.ok && parsed.value === null ? { ok: true, value: {} } : parsed;
  };
  return readManifestFile(root, "karta.jsonc", KartaJsoncSchema, parse, findings);
}

async function readManifestFile<T extends z.ZodType>(
  root: string,
  file: ManifestFileName,
  schema: T,
  parse: (text: string) => Parsed,
  findings: Findings,
): Promise<z.infer<T> | null> {
  const read = await readText(root, file);
  if (read.kind === "refused") {
    findings.refuse(file, read.message);
    return null;
  }
  const parsed: Parsed = read.kind === "absent" ? { ok: true, value: {} } : parse(read.text);
  if (!parsed.ok) {
    findings.refuse(`${file}:${parsed.line}:${parsed.column}`, parsed.message);
    return null;
  }
  warnOfUnknownKeys(file, parsed.value, findings);
  const checked = schema.safeParse(parsed.value);
  if (checked.success) return checked.data;
  refuseWrongValues(file, checked.error, parsed.value, findings);
  return null;
}

export interface MergeOptions {
  readonly toml: KartaToml;
  readonly jsonc: KartaJsonc;
  /** What the project runs: `harness.claude.*` is Claude Code's alone. */
  readonly harness: HarnessType;
  /** Null: none is declared, or it is wrong. */
  readonly entryPoint: EntryPoint | null;
  /** kartad.toml wants one for every project. */
  readonly sandboxRequired: boolean;
}

/** Fills the defaults in. karta.toml wins over karta.jsonc, with a warning; rules that span keys are checked here. */
export function mergeManifest(options: MergeOptions, findings: Findings): Manifest {
  const { toml, jsonc, harness, entryPoint, sandboxRequired } = options;
  const defaults = MANIFEST_DEFAULTS;
  const { pass, ...needs } = toml.env ?? {};
  const claude = harness === "claude-code" ? (jsonc.harness?.claude ?? {}) : {};

  const fact = <T>(
    name: string,
    ours: T | undefined,
    jsoncName: string,
    theirs: T | undefined,
    fallback: T,
  ): T => {
    if (ours !== undefined && theirs !== undefined) {
      findings.warn(`karta.jsonc: ${jsoncName}`, `karta.toml sets the same with ${name}, and wins`);
    }
    return ours ?? theirs ?? fallback;
  };

  const manifest: Manifest = {
    name: toml.name ?? defaults.name,
    deploy: toml.deploy ?? defaults.deploy,
    entryPoint,
    harness: {
      type: toml.harness?.type ?? defaults.harness.type,
      version: toml.harness?.version ?? defaults.harness.version,
      command: toml.harness?.command ?? defaults.harness.command,
      model: toml.harness?.model ?? defaults.harness.model,
      allowedTools: toml.harness?.allowed_tools ?? defaults.harness.allowedTools,
      disallowedTools: toml.harness?.disallowed_tools ?? defaults.harness.disallowedTools,
      thinkingBudgetTokens: claude.thinking_budget_tokens ?? defaults.harness.thinkingBudgetTokens,
      permissionIntercept: claude.permission_intercept ?? defaults.harness.permissionIntercept,
    },
    setup: toml.environment?.setup ?? defaults.setup,
    env: Object.entries(needs).map(([name, need]): EnvNeed => ({
      name,
      required: need.required ?? false,
      description: need.description ?? null,
    })),
    passEnv: pass ?? defaults.passEnv,
    runtime: {
      permissionMode: fact(
        "runtime.permission_mode",
        toml.runtime?.permission_mode,
        "runtime.permission_mode",
        jsonc.runtime?.permission_mode,
        defaults.runtime.permissionMode,
      ),
      approvalTimeoutSeconds:
        toml.runtime?.approval_timeout_seconds ?? defaults.runtime.approvalTimeoutSeconds,
      turnTimeoutSeconds: toml.runtime?.turn_timeout_seconds ?? defaults.runtime.turnTimeoutSeconds,
      workspace: toml.runtime?.workspace ?? defaults.runtime.workspace,
      sandbox: sandboxRequired || (toml.runtime?.sandbox ?? defaults.runtime.sandbox),
    },
    http: { allowedOrigins: toml.http?.allowed_origins ?? defaults.http.allowedOrigins },
    pool: {
      spares: toml.pool?.spares ?? defaults.pool.spares,
      idleTimeoutSeconds: fact(
        "pool.idle_timeout_seconds",
        toml.pool?.idle_timeout_seconds,
        "harness.claude.idle_timeout_seconds",
        claude.idle_timeout_seconds,
        defaults.pool.idleTimeoutSeconds,
      ),
      maxProcesses: toml.pool?.max_processes ?? defaults.pool.maxProcesses,
    },
    cli: {
      hiddenEventTypes: jsonc.cli?.hidden_event_types ?? defaults.cli.hiddenEventTypes,
      inputRequiredPolicy: jsonc.cli?.input_required_policy ?? defaults.cli.inputRequiredPolicy,
      inputRequiredHiddenPolicy:
        jsonc.cli?.input_required_hidden_policy ?? defaults.cli.inputRequiredHiddenPolicy,
    },
    profile: {
      name: jsonc.profile?.name ?? defaults.profile.name,
      displayName: jsonc.profile?.display_name ?? defaults.profile.displayName,
    },
  };
  checkAcrossKeys(manifest, harness, findings);
  return manifest;
}

function checkAcrossKeys(manifest: Manifest, harness: HarnessType, findings: Findings): void {
  const { command } = manifest.harness;
  if (harness === "acp" && command === null) {
    findings.refuse(
      "karta.toml: harness.command",
      'expected the agent\'s command, since type = "acp", such as command = ["my-agent", "acp"]; found nothing',
    );
  }
  if (harness !== "acp" && command !== null) {
    findings.refuse(
      "karta.toml: harness.command",
      `expected none, since it goes with type = "acp" only, and type is "${harness}"`,
    );
  }
  const { spares, maxProcesses } = manifest.pool;
  if (spares > maxProcesses) {
    findings.refuse(
      "karta.toml: pool.spares",
      `expected at most pool.max_processes, which is ${maxProcesses}, found ${spares}`,
    );
  }
}
