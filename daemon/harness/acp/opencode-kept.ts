/** OpenCode's own rules for what agents are kept from: it does not ask for what a project allows. */
import path from "node:path";
import type { KeptPlaces } from "../kept-places.ts";
import type { LaunchSpec } from "../harness.ts";

type Rules = Readonly<Record<string, "allow" | "ask" | "deny">>;

/**
 * Keys are patterns too, and of all rules that match, the last counts (seen in 1.18). Under the names of the permissions
 * themselves these would take the place of the project's rules; under patterns that nobody else writes, they come after.
 * OpenCode looks at paths as they are written: a link is followed by a sandbox alone.
 */
export function keptRules(kept: KeptPlaces, { home }: LaunchSpec): Readonly<Record<string, Rules>> {
  const named = kept.sealed.map((place) => [`*${place}*`, "deny"] as const);
  const below = kept.mixed.flatMap((place) => [
    [path.join(place, "*"), "deny"] as const,
    [path.join(place, "tmp", "*"), "ask"] as const,
  ]);
  const own = [
    [path.join(home, "*"), "ask"],
    [path.join(home, ".local/share/opencode/tool-output", "*"), "allow"], // what it puts aside for the agent
  ] as const;
  return {
    "external_director?": Object.fromEntries([...below, ...own]),
    "?*": Object.fromEntries([["karta *", "deny"], ["kartad *", "deny"], ...named]),
  };
}
