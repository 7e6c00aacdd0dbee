/** The whole environment of a Claude Code child: nothing of kartad's own is inherited. */
import { baseEnvironment } from "../base-environment.ts";
import type { LaunchSpec } from "../harness.ts";
import type { Credential } from "./credentials.ts";

/** Always set: the binary must not phone home, update itself, or write outside its own folder. */
const FIXED = {
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_AUTOUPDATER: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  CLAUDE_AGENT_SDK_CLIENT_APP: "karta",
};

/**
 * Which model is reached, and with whose key, is the daemon's alone: a project that could set these would send the
 * operator's key elsewhere, or leave the offline model.
 */
const MODEL_ACCESS = /^(ANTHROPIC|CLAUDE)_|^(HTTPS?|ALL)_PROXY$/i;

export interface ChildEnvironmentOptions {
  readonly launch: LaunchSpec;
  readonly credential: Credential;
  /** The daemon's own environment. */
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Karta's own folder for Claude Code's transcripts and settings. */
  readonly configDir: string;
  /** The offline model's address for this project; used with the offline credential alone. */
  readonly offlineBaseUrl: string | null;
}

/** Where this credential's transcripts live. */
export function configDirOf(credential: Credential, own: string): string {
  return credential.kind === "login" ? credential.configDir : own;
}

export function childEnvironment(options: ChildEnvironmentOptions): Record<string, string> {
  const { launch, credential, daemonEnv } = options;
  const env: Record<string, string> = { ...FIXED, ...baseEnvironment(daemonEnv, launch, MODEL_ACCESS) };
  env.CLAUDE_CONFIG_DIR = configDirOf(credential, options.configDir);
  switch (credential.kind) {
    case "offline":
      env.ANTHROPIC_BASE_URL = options.offlineBaseUrl ?? "http://127.0.0.1:9";
      env.ANTHROPIC_API_KEY = "offline";
      // A script's error is meant to be seen: ten retries with back-off would hide it for three minutes.
      env.CLAUDE_CODE_MAX_RETRIES = "1";
      break;
    case "variables":
      Object.assign(env, credential.env);
      break;
    case "login":
    case "none":
      break;
  }
  if (launch.thinkingBudgetTokens !== null) env.MAX_THINKING_TOKENS = String(launch.thinkingBudgetTokens);
  return env;
}
