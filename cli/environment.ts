/** What the surroundings say: the one place in `cli` that reads the environment and the terminal. */
import { homedir } from "node:os";
import path from "node:path";
import type { PathsEnvironment } from "../shared/paths.ts";

export const environment: PathsEnvironment = {
  env: process.env,
  homedir: homedir(),
  platform: process.platform,
};

/** Where the CLI keeps its own preferences: `$KARTA_CONFIG_HOME`, else the platform's place for configuration. */
export function configHome({ env, homedir: home, platform }: PathsEnvironment = environment): string {
  if (env.KARTA_CONFIG_HOME) return path.resolve(env.KARTA_CONFIG_HOME);
  if (platform === "darwin") return path.join(home, "Library", "Preferences", "karta");
  return path.join(env.XDG_CONFIG_HOME ?? path.join(home, ".config"), "karta");
}

/** True when a person can be asked something: both ends of the talk are a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** The terminal's width in columns, or null where lines may be of any length (a pipe, a file). */
export function terminalColumns(): number | null {
  return process.stdout.isTTY ? process.stdout.columns : null;
}
