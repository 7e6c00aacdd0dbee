/** Colour, where it is wanted: on a terminal, unless NO_COLOR or the user's preference says otherwise. */
import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;
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

/** Paints, or leaves the text as it is. */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}
