/** Binds the names of karta.toml's `[env]`: the folder's `.env` first, else the daemon's environment. */
import { parseEnv } from "node:util";
import type { EnvNeed } from "../../shared/manifest.ts";
import type { Findings } from "./findings.ts";
import { readText } from "./folder-files.ts";

/** Karta sets these for a project's processes, or they change how a program is loaded or a shell reads. */
const RESERVED_NAMES = new Set([
  "PATH",
  "HOME",
  "TMPDIR",
  "PWD",
  "SHELL",
  "USER",
  "LOGNAME",
  "IFS",
  "ENV",
  "BASH_ENV",
  "NODE_OPTIONS",
  "NODE_PATH",
  "CLAUDE_CONFIG_DIR",
  "LD_AUDIT",
  "LD_DEBUG",
  "LD_LIBRARY_PATH",
  "LD_PRELOAD",
  "LD_PROFILE",
]);
/** PYTHONPATH and its kin, but not PYTHON_ENV; LD_ is not here, since services have keys that begin so. */
const RESERVED_FAMILIES = /^(?:KARTA_|DYLD_|BASH_FUNC_|PYTHON[A-Z])/;

/**
 * The names that have a value. A value of no characters counts as none: that is how a `.env` is handed out to be filled
 * in. Values never appear in a message.
 */
export async function bindEnv(
  root: string,
  needs: readonly EnvNeed[],
  daemonEnv: Readonly<Record<string, string | undefined>>,
  findings: Findings,
): Promise<Readonly<Record<string, string>>> {
  const read = await readText(root, ".env");
  if (read.kind === "refused") findings.refuse(".env", read.message);
  const folderEnv = new Map(Object.entries(read.kind === "text" ? parseEnv(read.text) : {}));
  const daemon = new Map(Object.entries(daemonEnv));

  const bound: [string, string][] = [];
  for (const need of needs) {
    const where = `karta.toml: env.${need.name}`;
    if (!isUsable(need.name, where, findings)) continue;
    const value = [folderEnv.get(need.name), daemon.get(need.name)].find(
      (one) => one !== undefined && one !== "",
    );
    if (value === undefined) {
      if (need.required) findings.refuse(where, unboundMessage(need));
    } else if (value.includes("\0")) {
      findings.refuse(where, "its value holds a NUL character, which no environment can carry");
    } else bound.push([need.name, value]);
  }
  return Object.fromEntries(bound);
}

/**
 * Whose names these are decides who pays for a model: the project's own code gets them only where `pass` says so.
 * The harness never takes them from a project (harness/claude/environment.ts).
 */
const MODEL_KEYS = /^(?:ANTHROPIC|CLAUDE|OPENAI|GEMINI)_/;

export interface AppEnvOptions {
  /** As `bindEnv` has bound them. */
  readonly boundEnv: Readonly<Record<string, string>>;
  /** `[env] pass`. */
  readonly pass: readonly string[];
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
}

/** What the project's own code gets: the bound names but the models' keys, and of the daemon's environment what `pass` names. */
export function bindAppEnv(
  { boundEnv, pass, daemonEnv }: AppEnvOptions,
  findings: Findings,
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(boundEnv)) {
    if (!MODEL_KEYS.test(name)) env[name] = value;
    else if (!pass.includes(name)) {
      findings.warn(
        `karta.toml: env.${name}`,
        `a model's key does not reach the app's own code; if it must, write pass = ["${name}"]`,
      );
    }
  }
  for (const name of pass) {
    if (!isUsable(name, "karta.toml: env.pass", findings)) continue;
    const value = boundEnv[name] ?? daemonEnv[name];
    if (value !== undefined && value !== "") env[name] = value;
  }
  return env;
}

function isUsable(name: string, where: string, findings: Findings): boolean {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    findings.refuse(where, "expected a name of letters, digits and underscores that starts with no digit");
    return false;
  }
  if (isReserved(name)) {
    findings.refuse(where, "this name is Karta's or the system's to set; choose another");
    return false;
  }
  return true;
}

function isReserved(name: string): boolean {
  return RESERVED_NAMES.has(name) || RESERVED_FAMILIES.test(name);
}

function unboundMessage(need: EnvNeed): string {
  const what = need.description === null ? "" : ` (${need.description})`;
  return `required and not set${what}; add ${need.name}=… to the folder's .env, or start kartad with it`;
}
