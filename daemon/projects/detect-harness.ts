/** Which harness runs a folder (spec: karta-toml, "Harness"). */
import type { HarnessType } from "../../shared/protocol/projects.ts";
import type { Findings } from "./findings.ts";
import { locate } from "./folder-files.ts";

/** Harness files whose real place must be in the folder, whatever the harness. Their content is the harness's business. */
const HARNESS_FILES = [
  "CLAUDE.md",
  "AGENTS.md",
  ".claude",
  ".claude/settings.json",
  ".claude/settings.local.json",
  ".opencode",
  "opencode.json",
  "opencode.jsonc",
  ".codex",
  ".goose",
  ".deepagents",
  ".gemini",
] as const;

/**
 * `declared` (karta.toml's `[harness] type`) decides; else `.claude/` or `CLAUDE.md` → claude-code; `.opencode/`,
 * `opencode.json` or `AGENTS.md` → opencode. Null: nothing was found, and the findings say what was looked for.
 */
export async function detectHarness(
  root: string,
  declared: HarnessType | undefined,
  findings: Findings,
): Promise<HarnessType | null> {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const name of HARNESS_FILES) {
    const found = await locate(root, name);
    switch (found.kind) {
      case "absent":
        break;
      case "refused":
        findings.refuse(name, found.message);
        files.add(name).add(`${name}/`); // it is meant as what its name says: one issue is enough
        folders.add(name);
        break;
      case "file":
        files.add(name);
        break;
      case "folder":
        folders.add(name);
        break;
    }
  }
  if (declared !== undefined) return declared;
  if (folders.has(".claude") || files.has("CLAUDE.md")) return "claude-code";
  if (
    folders.has(".opencode") ||
    files.has("opencode.json") ||
    files.has("opencode.jsonc") ||
    files.has("AGENTS.md")
  ) {
    return "opencode";
  }
  findings.refuse(
    ".",
    "no harness was found: looked for CLAUDE.md and .claude/ (claude-code), then AGENTS.md, opencode.json and .opencode/ " +
      "(opencode); add a CLAUDE.md that says what the agent is, or [harness] type to karta.toml",
  );
  return null;
}
