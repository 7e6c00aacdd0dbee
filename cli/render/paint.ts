/** Colour, where it is wanted: on a terminal, unless NO_COLOR or the user's preference says otherwise. */
export { painter, type Paint, type Style } from "../../shared/terminal/paint.ts";

export type ColourPreference = "auto" | "always" | "never";

export interface ColourFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  readonly preference: ColourPreference;
}

/** NO_COLOR first (no-color.org), then FORCE_COLOR, then the preference, then the terminal. */
export function wantsColour({ env, isTTY, preference }: ColourFacts): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  if (preference !== "auto") return preference === "always";
  return isTTY && env.TERM !== "dumb";
}
