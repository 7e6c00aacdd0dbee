/** Reads and validates a project folder. Everything that is wrong is told at once, and nothing is kept of a wrong one. */
import { lstat } from "node:fs/promises";
import path from "node:path";
import { KartaError, type Issue } from "../../shared/errors.ts";
import type { SandboxState } from "../process/sandbox.ts";
import { parseOfflineScript, type OfflineScript } from "../offline-model/script.ts";
import { bindAppEnv, bindEnv } from "./bind-env.ts";
import { declaredEntryPoint } from "./declared-entry-point.ts";
import type { ReadProjectResult } from "./definition.ts";
import { detectHarness } from "./detect-harness.ts";
import { discoverAgents, discoverSkills } from "./discover.ts";
import { Findings } from "./findings.ts";
import { locate, readText } from "./folder-files.ts";
import { folderSecrets, type NamedSecret } from "./folder-secrets.ts";
import { mergeManifest, readKartaJsonc, readKartaToml } from "./manifest-file.ts";
import { readMcpServers } from "./mcp-servers.ts";
import { openProjectFolder } from "./project-folder.ts";

export interface ReadProjectOptions {
  /** The daemon's environment: where `[env]` is bound from when the folder's `.env` has it not. */
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** The operator's home folder, which is refused as a project. */
  readonly homedir: string;
  /** Whether a sandbox can be made here, and whether kartad.toml wants one for every project; left out: it cannot, it does not. */
  readonly sandbox?: { readonly isRequired: boolean; readonly probe: () => Promise<SandboxState> };
  /** Told what of the folder must not be written down, before anything of it is told, also of a folder that is refused. */
  readonly onSecrets?: (root: string, secrets: readonly NamedSecret[]) => void;
}

const NO_SANDBOX: SandboxState = {
  kind: "unavailable",
  detail: "there is no sandbox here",
  fix: "leave `sandbox` out of [runtime]",
};

/**
 * Reads a folder (absolute path) into a definition. Writes nothing and runs nothing: whether the entry point loads is
 * asked afterwards, with `checkEntryPoint`.
 * @throws KartaError `invalid_project` with all issues
 */
export async function readProject(folder: string, options: ReadProjectOptions): Promise<ReadProjectResult> {
  const opened = await openProjectFolder(folder, options.homedir);
  if (opened.kind === "refused") throw invalidProject(folder, [{ path: folder, message: opened.message }]);
  const { root } = opened;
  const findings = new Findings();
  const sandboxRequired = options.sandbox?.isRequired ?? false;

  const toml = await readKartaToml(root, findings);
  const jsonc = await readKartaJsonc(root, findings);
  // A broken karta.toml may have named any harness. "acp" asks nothing of the folder's files, so that "no harness was
  // found" is not told on top of what is really wrong.
  const harness = await detectHarness(root, toml === null ? "acp" : toml.harness?.type, findings);
  const entryPoint = toml === null ? null : await declaredEntryPoint(root, toml, findings);
  const manifest =
    toml === null || jsonc === null || harness === null
      ? null
      : mergeManifest({ toml, jsonc, harness, entryPoint, sandboxRequired }, findings);
  if (manifest?.runtime.sandbox) await checkSandbox(root, options.sandbox, findings);
  const setup = toml?.environment?.setup;
  if (setup !== undefined) await checkSetupScript(root, setup, findings);

  const agents = harness === null ? [] : await discoverAgents(root, harness, findings);
  const skills = harness === null ? [] : await discoverSkills(root, harness, findings);
  const mcpServers = await readMcpServers(root, findings);
  const boundEnv = await bindEnv(root, manifest?.env ?? [], options.daemonEnv, findings);
  const pass = manifest?.passEnv ?? [];
  const appEnv = bindAppEnv({ boundEnv, pass, daemonEnv: options.daemonEnv }, findings);
  const bound = [...Object.entries(boundEnv), ...Object.entries(appEnv)];
  options.onSecrets?.(root, [...bound, ...(await folderSecrets(root))]);
  const offlineScript = await readOfflineScript(root, findings);

  if (findings.issues.length > 0 || manifest === null || harness === null) {
    throw invalidProject(root, findings.issues);
  }
  return {
    definition: { root, manifest, harness, agents, skills, mcpServers, boundEnv, appEnv, offlineScript },
    warnings: findings.warnings,
  };
}

/** A project that wants a sandbox is never run without. */
async function checkSandbox(
  root: string,
  sandbox: ReadProjectOptions["sandbox"],
  findings: Findings,
): Promise<void> {
  const where = sandbox?.isRequired ? "kartad.toml: sandbox" : "karta.toml: runtime.sandbox";
  const state = (await sandbox?.probe()) ?? NO_SANDBOX;
  if (state.kind === "unavailable") findings.refuse(where, `${state.detail}; ${state.fix}`);
  for (const name of ["karta.toml", "karta.jsonc"])
    if ((await lstat(path.join(root, name)).catch(() => null))?.isSymbolicLink())
      findings.refuse(
        name,
        "expected a file, found a link: in a sandbox agents could put another in its place",
      );
}

async function checkSetupScript(root: string, setup: string, findings: Findings): Promise<void> {
  const where = "karta.toml: environment.setup";
  const found = await locate(root, setup);
  if (found.kind === "absent") findings.refuse(where, `expected a file of the folder, found no ${setup}`);
  else if (found.kind === "folder")
    findings.refuse(where, `expected a file of the folder, found the folder ${setup}`);
  else if (found.kind === "refused") findings.refuse(where, `${setup} ${found.message}`);
}

async function readOfflineScript(root: string, findings: Findings): Promise<OfflineScript | null> {
  const file = "offline.toml";
  const read = await readText(root, file);
  if (read.kind === "absent") return null;
  if (read.kind === "refused") {
    findings.refuse(file, read.message);
    return null;
  }
  const parsed = parseOfflineScript(read.text, file);
  if (parsed.ok) return parsed.script;
  for (const { line, path, message } of parsed.problems) {
    findings.refuse(`${file}:${line}`, path === "" ? message : `${path}: ${message}`);
  }
  return null;
}

const SHOWN = 3;

function invalidProject(folder: string, issues: readonly Issue[]): KartaError {
  const told = issues
    .slice(0, SHOWN)
    .map(({ path, message }) => (path === folder ? message : `${path}: ${message}`));
  const more = issues.length > SHOWN ? `; and ${issues.length - SHOWN} more` : "";
  return new KartaError("invalid_project", `${folder} cannot be a project: ${told.join("; ")}${more}`, {
    issues,
  });
}
