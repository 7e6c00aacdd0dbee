/** How a plain script uses the Agent SDK for what a Karta project is: the same options, the same environment. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { writeProject } from "../karta/bench-kartad.ts";

export interface SdkPlace {
  /** A folder that stands for a machine's home. */
  readonly home: string;
  /** The model's base address. */
  readonly modelUrl: string;
  /** The project's files. */
  readonly files: Readonly<Record<string, string>>;
}

/** Options of `query` and `startup`; they can be used many times. */
export function sdkOptions({ home, modelUrl, files }: SdkPlace): Options {
  const configDir = path.join(home, "claude");
  mkdirSync(configDir, { recursive: true });
  return {
    cwd: writeProject(home, "plain", files),
    includePartialMessages: true,
    settingSources: ["project"],
    systemPrompt: { type: "preset", preset: "claude_code" },
    permissionMode: "default",
    permissionPrompts: "host",
    settings: { enableAllProjectMcpServers: true },
    canUseTool: () => Promise.resolve({ behavior: "deny", message: "the bench allows no tool" }),
    env: {
      PATH: process.env.PATH,
      HOME: home,
      CLAUDE_CONFIG_DIR: configDir,
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_AUTOUPDATER: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: "bench",
    },
  };
}
