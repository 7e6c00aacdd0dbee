/**
 * The agents that Karta knows how to start over the Agent Client Protocol, each by its own ACP mode or its published
 * bridge. A literal table: adding one is an entry here and its name in `HARNESS_TYPES`.
 */
import type { HarnessType } from "../../../shared/protocol/projects.ts";
import { codexAddress, codexOffline } from "./codex.ts";
import type { ModeMeaning } from "./offered-agents.ts";

export type AcpType = Exclude<HarnessType, "claude-code">;

type Environment = Readonly<Record<string, string | undefined>>;

export interface Preset {
  /** For people. */
  readonly title: string;
  /** Program and arguments; the first whose program is there is used. Empty: karta.toml's `[harness] command`. */
  readonly commands: readonly (readonly string[])[];
  /** An npm package with the program for this platform, which npm may have put beside Karta: its name and the file in it. */
  readonly npm: { readonly name: string; readonly file: string } | null;
  /** What to do when no program is there. */
  readonly install: string;
  /** Variables of the daemon's environment that let it reach a model. Only these are passed on. */
  readonly credentials: readonly string[];
  /** Its way to log in with the key that it is given, where it does not take that by itself; null: it does. */
  readonly authMethod: string | null;
  /** What makes it heed variables of the daemon's environment that it does not read itself; null: there are none. */
  readonly adapted: ((daemonEnv: Environment) => Readonly<Record<string, string>>) | null;
  /** What points it at the offline model, whose address is given; null: it speaks no API that the offline model has. */
  readonly offline: ((baseUrl: string) => Readonly<Record<string, string>>) | null;
  /** Always set: it must not phone home or update itself. */
  readonly fixed: Readonly<Record<string, string>>;
  /** What its modes are. */
  readonly modes: ModeMeaning;
  /** True: OpenCode's own configuration is generated for it (opencode-config.ts). */
  readonly isOpenCode: boolean;
}

const ANTHROPIC = ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"];
const OPENAI = ["OPENAI_API_KEY", "OPENAI_BASE_URL"];
const GOOGLE = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GOOGLE_GEMINI_BASE_URL"];

/** Most programs that speak Anthropic's or OpenAI's API find it by these. */
const bothApis = (baseUrl: string): Readonly<Record<string, string>> => ({
  ANTHROPIC_BASE_URL: baseUrl,
  ANTHROPIC_API_KEY: "offline",
  OPENAI_BASE_URL: `${baseUrl}/v1`,
  OPENAI_API_KEY: "offline",
});

export const PRESETS: Readonly<Record<AcpType, Preset>> = {
  opencode: {
    title: "OpenCode",
    commands: [["opencode", "acp"]],
    npm: { name: `opencode-${process.platform}-${process.arch}`, file: "bin/opencode" },
    install: "install it with `npm install -g opencode-ai`",
    credentials: [
      ...ANTHROPIC,
      ...OPENAI,
      ...GOOGLE,
      "OPENCODE_API_KEY",
      "OPENROUTER_API_KEY",
      "GROQ_API_KEY",
      "MISTRAL_API_KEY",
      "DEEPSEEK_API_KEY",
      "XAI_API_KEY",
    ],
    authMethod: null,
    adapted: null,
    offline: () => ({}), // by its configuration
    fixed: {
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_SHARE: "1",
      OPENCODE_CLIENT: "karta",
    },
    modes: "agents",
    isOpenCode: true,
  },
  // Codex has no ACP mode of its own; this bridge of the protocol's makers starts Codex's app server. It speaks OpenAI's
  // Responses API alone, and knows another address than OpenAI's by its configuration only (tried with 2.6.0).
  "codex-cli": {
    title: "Codex CLI",
    commands: [["codex-acp"]],
    npm: null,
    install: "install its bridge with `npm install -g @agentclientprotocol/codex-acp`",
    credentials: [...OPENAI, "CODEX_API_KEY"],
    authMethod: "api-key",
    adapted: codexAddress,
    offline: codexOffline,
    // What it may do by itself is read; the rest it asks for. Its other modes have a model of OpenAI's look at it first.
    fixed: { NO_BROWSER: "1", INITIAL_AGENT_MODE: "read-only" },
    modes: "permissions",
    isOpenCode: false,
  },
  goose: {
    title: "goose",
    commands: [["goose", "acp"]],
    npm: null,
    install: "install goose (its `goose acp` is what Karta starts)",
    credentials: [
      ...ANTHROPIC,
      "ANTHROPIC_HOST",
      ...OPENAI,
      "OPENAI_HOST",
      ...GOOGLE,
      "GOOSE_PROVIDER",
      "GOOSE_MODEL",
    ],
    authMethod: null,
    adapted: null,
    offline: (baseUrl) => ({
      GOOSE_PROVIDER: "anthropic",
      GOOSE_MODEL: "offline",
      ANTHROPIC_HOST: baseUrl,
      ANTHROPIC_API_KEY: "offline",
    }),
    fixed: { GOOSE_DISABLE_KEYRING: "1", GOOSE_MODE: "approve" },
    modes: "permissions",
    isOpenCode: false,
  },
  deepagents: {
    title: "Deep Agents",
    commands: [["dcode", "--acp"], ["deepagents-acp"]],
    npm: null,
    install:
      "install it with `pip install deepagents-code` (its `dcode --acp`) or `npm install -g deepagents-acp`",
    credentials: [...ANTHROPIC, ...OPENAI, ...GOOGLE],
    authMethod: null,
    adapted: null,
    // With both keys it would choose OpenAI's Responses API, which the offline model does not have.
    offline: (baseUrl) => ({ ANTHROPIC_BASE_URL: baseUrl, ANTHROPIC_API_KEY: "offline" }),
    fixed: {},
    modes: "permissions",
    isOpenCode: false,
  },
  // It speaks Google's API alone.
  gemini: {
    title: "Gemini CLI",
    commands: [["gemini", "--acp"]],
    npm: null,
    install: "install it with `npm install -g @google/gemini-cli`",
    credentials: [...GOOGLE, "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_GENAI_USE_VERTEXAI"],
    authMethod: "gemini-api-key",
    adapted: null,
    offline: null,
    fixed: {},
    modes: "permissions",
    isOpenCode: false,
  },
  // Whatever it needs to reach a model, the project's [env] names.
  acp: {
    title: "the agent",
    commands: [],
    npm: null,
    install: "install it, or name another with [harness] command in karta.toml",
    credentials: [],
    authMethod: null,
    adapted: null,
    offline: bothApis,
    fixed: {},
    modes: "unknown",
    isOpenCode: false,
  },
};
