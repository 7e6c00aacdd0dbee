/** What is kept from the children that kartad starts: from agents' tools, and from all that runs in a sandbox. */
import path from "node:path";
import type { Config } from "./config.ts";
import { KeptPlaces } from "./harness/kept-places.ts";
import { Sandbox } from "./process/sandbox.ts";

/** In the operator's home: what opens other doors. */
const CREDENTIALS = [
  ...[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker/config.json",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
  ],
  ...[".git-credentials", ".config/git/credentials", ".config/gh", ".config/gcloud", ".config/karta"],
  ...[".claude/.credentials.json", ".claude.json", ".codex/auth.json", ".local/share/opencode/auth.json"],
  ...[".password-store", ".local/share/keyrings", ".cargo/credentials.toml", ".vault-token"],
];
/** What a sandbox hides besides: conversations of the operator's own, and units with what they set. */
const PRIVATE = [".claude", ".codex", ".gemini", ".local/share/opencode", ".config/goose", ".config/systemd"];
/** In the state folder: what is no session's. Its workspaces, its temporary folders and transcripts are. */
const SEALED = ["keys", "logs", "run", "set-aside", "apps", "kartad.toml", "kartad.lock", "harness/acp"];
const STORE = ["karta.db", "karta.db-wal", "karta.db-shm", "karta.db.restore"];

/** What agents' tools are kept from. */
export function keptPlaces({ stateHome, socketPath, homedir, env }: Config): KeptPlaces {
  const login = given(env.CLAUDE_CONFIG_DIR);
  return new KeptPlaces({
    sealed: [
      ...[...SEALED, ...STORE].map((name) => path.join(stateHome, name)),
      socketPath,
      ...CREDENTIALS.map((name) => path.join(homedir, name)),
      ...(login === null ? [] : [path.join(login, ".credentials.json")]),
    ],
    mixed: [stateHome],
  });
}

function isPrivate(name: string): boolean {
  return PRIVATE.some((folder) => name.startsWith(`${folder}/`));
}

/** What it hides of projects' folders is told to it when they are known (`Sandbox.hideAlso`). */
export function makeSandbox(config: Config): Sandbox {
  const { stateHome, socketPath, homedir, env } = config;
  const always = [
    stateHome,
    path.dirname(socketPath),
    // Not what lies in a hidden folder: an agent that works with the operator's login is shown that folder whole.
    ...[...CREDENTIALS.filter((name) => !isPrivate(name)), ...PRIVATE].map((name) =>
      path.join(homedir, name),
    ),
    ...[env.CLAUDE_CONFIG_DIR, env.KARTA_CONFIG_HOME].flatMap((folder) => given(folder) ?? []),
  ];
  return new Sandbox({
    searchPath: env.PATH ?? "",
    platform: process.platform,
    hidden: always,
  });
}

/** Absolute; an empty variable is as if it were not there. */
function given(folder: string | undefined): string | null {
  return folder === undefined || folder === "" ? null : path.resolve(folder);
}
