/** The whole environment of an ACP agent's process: nothing of kartad's own is inherited. */
import { baseEnvironment, CONNECTION_VARIABLES, pickVariables } from "../base-environment.ts";
import type { LaunchSpec } from "../harness.ts";
import type { KeptPlaces } from "../kept-places.ts";
import type { AppTools } from "./app-tools.ts";
import { openCodeEnvironment } from "./opencode-config.ts";
import type { Preset } from "./presets.ts";

export interface AgentEnvironmentOptions {
  readonly preset: Preset;
  /** The daemon's own environment. */
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** The offline model's address for this project; null when kartad is not offline. */
  readonly offlineBaseUrl: string | null;
  /** Karta's own, for generated configuration. */
  readonly folder: string;
  /** What no tool may touch. */
  readonly kept: KeptPlaces;
  /** The app's tools, where they are the process's; null: there are none, or each conversation has its own. */
  readonly tools: AppTools | null;
}

/** A project may set none of these: they say which model is reached and with whose key. */
const MODEL_ACCESS = /^(ANTHROPIC|OPENAI|OPENCODE|CODEX|GOOSE|GEMINI|GOOGLE)_|^(HTTPS?|ALL)_PROXY$/i;
/** An agent that the project names itself gets its key from the project's own [env], unless kartad is offline. */
const NOTHING = /^$/;

export async function agentEnvironment(
  launch: LaunchSpec,
  { preset, daemonEnv, offlineBaseUrl, folder, tools, kept }: AgentEnvironmentOptions,
): Promise<Record<string, string>> {
  const isForeign = preset.commands.length === 0 && offlineBaseUrl === null;
  return {
    ...preset.fixed,
    ...baseEnvironment(daemonEnv, launch, isForeign ? NOTHING : MODEL_ACCESS),
    ...modelAccess({ preset, daemonEnv, offlineBaseUrl }),
    ...(preset.isOpenCode ? await openCodeEnvironment(launch, { folder, offlineBaseUrl, tools, kept }) : {}),
  };
}

type AccessOptions = Omit<AgentEnvironmentOptions, "folder" | "tools" | "kept">;

/** For a start that only asks a program what it is: some do not even tell that without a key. */
export function probeEnvironment(options: AccessOptions, home: string): Record<string, string> {
  return {
    ...options.preset.fixed,
    ...baseEnvironment(options.daemonEnv, { env: {}, home }, MODEL_ACCESS),
    ...modelAccess(options),
  };
}

function modelAccess({ preset, daemonEnv, offlineBaseUrl }: AccessOptions): Readonly<Record<string, string>> {
  if (offlineBaseUrl !== null) return preset.offline?.(offlineBaseUrl) ?? {};
  const passed: readonly string[] = [...preset.credentials, ...CONNECTION_VARIABLES];
  return {
    ...pickVariables(daemonEnv, (name) => passed.includes(name)),
    ...preset.adapted?.(daemonEnv),
  };
}

/** The variables with which it would reach a model, in words; null: none is set. Never a value. */
export function describeAccess(
  preset: Preset,
  daemonEnv: Readonly<Record<string, string | undefined>>,
): string | null {
  const found = preset.credentials.filter((name) => name.endsWith("_KEY") && Boolean(daemonEnv[name]));
  return found.length === 0 ? null : found.join(", ");
}
