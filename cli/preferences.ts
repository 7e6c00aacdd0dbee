/** The user's own preferences, kept with `conf` in `config.json` under the platform's configuration folder. */
import { existsSync } from "node:fs";
import path from "node:path";
import type Conf from "conf";
import type { Schema } from "conf";
import { badUsage } from "./client/errors.ts";
import { configHome } from "./environment.ts";
import type { ColourPreference } from "./render/paint.ts";

export interface Preferences {
  /** The project that `karta chat` talks to when none is named. */
  project?: string;
  /** `auto`: colour on a terminal. */
  color: ColourPreference;
}
export type PreferenceName = keyof Preferences;

const SCHEMA: Schema<Preferences> = {
  project: { type: "string", pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
  color: { type: "string", enum: ["auto", "always", "never"], default: "auto" },
};

/** Every preference and what it is for. */
export const PREFERENCES: Readonly<Record<PreferenceName, string>> = {
  project: "the project that `karta chat` talks to when none is named",
  color: "auto, always or never",
};

export const PREFERENCE_NAMES = ["project", "color"] as const satisfies readonly PreferenceName[];

/** Narrows what the user typed. */
export function preferenceName(typed: string): PreferenceName {
  const name = PREFERENCE_NAMES.find((candidate) => candidate === typed);
  if (name !== undefined) return name;
  throw badUsage(`there is no preference ${typed}; there are ${PREFERENCE_NAMES.join(", ")}`);
}

/** Opens the store. `conf` is loaded here and only here: it takes as long to load as the rest of a small command. */
export async function openPreferences(): Promise<Conf<Preferences>> {
  const { default: Store } = await import("conf");
  try {
    return new Store<Preferences>({ projectName: "karta", cwd: configHome(), schema: SCHEMA });
  } catch (error) {
    // Not cleared by itself: somebody edited the file by hand, and a slip must not cost what they wrote.
    throw badUsage(`the preferences in ${preferencesFile()} cannot be read; mend or delete the file`, error);
  }
}

function preferencesFile(): string {
  return path.join(configHome(), "config.json");
}

/** The preferred project, or null. */
export async function preferredProject(): Promise<string | null> {
  if (!existsSync(preferencesFile())) return null;
  return (await openPreferences()).get("project") ?? null;
}

/** The preference about colour. It is asked for by every command, so it never fails, and without a file loads nothing. */
export async function colourPreference(): Promise<ColourPreference> {
  if (!existsSync(preferencesFile())) return "auto";
  try {
    return (await openPreferences()).get("color");
  } catch {
    return "auto";
  }
}

/**
 * Sets one preference.
 * @throws CliError `bad_usage` for a value that the preference does not take
 */
export async function setPreference(name: PreferenceName, value: string): Promise<void> {
  const store = await openPreferences();
  try {
    store.set(name, value);
  } catch (error) {
    throw badUsage(`${name} does not take ${JSON.stringify(value)}: ${PREFERENCES[name]}`, error);
  }
}
