/** The harnesses as the settings have them: with a model's key, or with the offline model. */
import path from "node:path";
import type { Logger } from "pino";
import { keptPlaces } from "./confinement.ts";
import type { Config } from "./config.ts";
import { findCredential } from "./harness/claude/credentials.ts";
import { createHarnesses, type HarnessRegistry } from "./harness/registry.ts";
import type { ToolGateway } from "./harness/tool-gateway.ts";
import type { ProcessSpawner } from "./process/spawner.ts";

export interface HarnessParts {
  readonly config: Config;
  /** The offline model's address for a project; used when the settings say so. */
  readonly offlineModelUrl: (project: string) => string;
  readonly spawner: ProcessSpawner;
  readonly tools: ToolGateway;
  readonly logger: Logger;
  /** Frees what agents print of secrets. */
  readonly mask?: (text: string) => string;
}

export function configuredHarnesses(parts: HarnessParts): HarnessRegistry {
  const { config, offlineModelUrl, spawner, tools, logger, mask } = parts;
  const common = {
    daemonEnv: config.env,
    kept: keptPlaces(config),
    offlineBaseUrl: config.offline ? offlineModelUrl : null,
    logger,
    ...(mask === undefined ? {} : { mask }),
  };
  const folder = (name: string): string => path.join(config.stateHome, "harness", name);
  return createHarnesses({
    claudeCode: {
      ...common,
      credential: config.offline ? { kind: "offline" } : findCredential(config.env, config.homedir),
      configDir: folder("claude-code"),
    },
    acp: { ...common, folder: folder("acp"), spawner, tools },
  });
}
