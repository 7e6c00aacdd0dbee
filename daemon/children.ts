/** What kartad starts children with: the spawner, its journal and their temporary files, and what makes sandboxes. */
import path from "node:path";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { ProcessJournal } from "./process/journal.ts";
import { Sandbox } from "./process/sandbox.ts";
import { ProcessSpawner } from "./process/spawner.ts";
import { TempFolders } from "./process/temp-folders.ts";
import type { ReadProjectOptions } from "./projects/read-project.ts";

/** In the operator's home: what opens other doors, and programs that run by themselves. */
const CREDENTIALS = [
  ...[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
  ],
  ...[".config/gcloud", ".config/gh", ".config/git", ".config/karta", ".config/systemd", ".password-store"],
  ...[
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
    ".config/goose",
    ".local/share/opencode",
    ".local/share/keyrings",
  ],
  ...[
    ".cargo/credentials.toml",
    ".terraform.d",
    ".vault-token",
    ".pgpass",
    ".my.cnf",
    ".bash_history",
    ".zsh_history",
  ],
];

/** @param projectFolders of all registered projects: one's agent does not see another's */
export function makeSandbox(config: Config, projectFolders: () => readonly string[]): Sandbox {
  const { stateHome, socketPath, homedir, env } = config;
  const always = [
    stateHome,
    path.dirname(socketPath),
    ...CREDENTIALS.map((name) => path.join(homedir, name)),
    ...(env.CLAUDE_CONFIG_DIR === undefined ? [] : [path.resolve(env.CLAUDE_CONFIG_DIR)]),
    ...(env.KARTA_CONFIG_HOME === undefined ? [] : [path.resolve(env.KARTA_CONFIG_HOME)]),
  ];
  return new Sandbox({
    searchPath: env.PATH ?? "",
    platform: process.platform,
    hidden: () => [...always, ...projectFolders()],
  });
}

/** What a project's folder is held against when it is read. */
export function readingOf(config: Config, sandbox: Sandbox): ReadProjectOptions {
  return {
    daemonEnv: config.env,
    homedir: config.homedir,
    sandbox: { isRequired: config.sandboxRequired, probe: () => sandbox.probe() },
  };
}

/** Ends what a dead kartad left behind first. Call it with the instance lock held. */
export async function openSpawner(config: Config, sandbox: Sandbox, logger: Logger): Promise<ProcessSpawner> {
  const journal = new ProcessJournal(path.join(config.stateHome, "run", "processes"));
  const leftovers = await journal.endLeftovers();
  if (leftovers > 0)
    logger.warn({ processes: leftovers }, "processes that a dead kartad had left were ended");
  const temp = new TempFolders(config.stateHome, config.env.TMPDIR ?? "/tmp");
  await temp.clear();
  return new ProcessSpawner({ logger, journal, temp, sandbox });
}
