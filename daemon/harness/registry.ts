/** The harnesses this kartad has. Adding one is one folder and one line here. */
import type { HarnessType } from "../../shared/protocol/projects.ts";
import { AcpHarness, type AcpOptions } from "./acp/acp-harness.ts";
import { ClaudeCode, type ClaudeCodeOptions } from "./claude/claude-code.ts";
import type { Harness } from "./harness.ts";

export interface HarnessOptions {
  readonly claudeCode: ClaudeCodeOptions;
  readonly acp: AcpOptions;
}

export type HarnessRegistry = Readonly<Record<HarnessType, Harness>>;

export function createHarnesses(options: HarnessOptions): HarnessRegistry {
  return {
    "claude-code": new ClaudeCode(options.claudeCode),
    opencode: new AcpHarness("opencode", options.acp),
    "codex-cli": new AcpHarness("codex-cli", options.acp),
    goose: new AcpHarness("goose", options.acp),
    deepagents: new AcpHarness("deepagents", options.acp),
    gemini: new AcpHarness("gemini", options.acp),
    acp: new AcpHarness("acp", options.acp),
  };
}
