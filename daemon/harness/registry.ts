/** The harnesses this kartad has. Adding one is one folder and one line here. */
import { KartaError } from "../../shared/errors.ts";
import type { HarnessType } from "../../shared/protocol/projects.ts";
import { ClaudeCode, type ClaudeCodeOptions } from "./claude/claude-code.ts";
import type { Harness } from "./harness.ts";

export interface HarnessOptions {
  readonly claudeCode: ClaudeCodeOptions;
}

export type HarnessRegistry = Readonly<Partial<Record<HarnessType, Harness>>>;

export function createHarnesses(options: HarnessOptions): HarnessRegistry {
  return {
    "claude-code": new ClaudeCode(options.claudeCode),
  };
}

/** @throws KartaError `harness_unavailable` for a type this version does not run */
export function harnessOf(registry: HarnessRegistry, type: HarnessType): Harness {
  const harness = registry[type];
  if (!harness) {
    throw new KartaError(
      "harness_unavailable",
      `this version of Karta does not run the "${type}" harness; it runs: ${Object.keys(registry).join(", ")}`,
    );
  }
  return harness;
}
