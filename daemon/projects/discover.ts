/** The agents and skills that a folder brings along, in the harness's own format (spec: karta-toml). */
import path from "node:path";
import type { Discovered, HarnessType } from "../../shared/protocol/projects.ts";
import type { Findings } from "./findings.ts";
import { listFolder, locate, readText } from "./folder-files.ts";
import { readFrontmatter } from "./frontmatter.ts";
import { openCodeAgents } from "./opencode-agents.ts";

/** Where each harness looks. OpenCode takes both spellings, and Claude Code's skills too. */
const PLACES: Readonly<
  Record<HarnessType, { readonly agents: readonly string[]; readonly skills: readonly string[] }>
> = {
  "claude-code": { agents: [".claude/agents"], skills: [".claude/skills"] },
  opencode: {
    agents: [".opencode/agent", ".opencode/agents"],
    skills: [".opencode/skill", ".opencode/skills", ".claude/skills"],
  },
  "codex-cli": { agents: [], skills: [".codex/skills"] },
  goose: { agents: [], skills: [".goose/skills"] },
  deepagents: { agents: [], skills: [".deepagents/skills"] },
  gemini: { agents: [], skills: [".gemini/skills"] },
  // What an agent that Karta does not know reads is its own business; its modes are known once it runs.
  acp: { agents: [], skills: [] },
};

/** Deeper and more than anybody writes by hand: a stray checkout below the folder must not be walked for minutes. */
const MAX_DEPTH = 5;
const MAX_FOUND = 500;

/**
 * Markdown files below the agents' folders, nested ones too: Claude Code loads those as well (tried with 2.1). OpenCode's
 * own configuration may name more.
 */
export async function discoverAgents(
  root: string,
  harness: HarnessType,
  findings: Findings,
): Promise<Discovered[]> {
  const found: Discovered[] = harness === "opencode" ? await openCodeAgents(root, findings) : [];
  for (const place of PLACES[harness].agents) {
    for (const file of await markdownBelow(root, place, 0)) {
      const agent = await describe(root, file, path.basename(file, ".md"), findings);
      if (agent === null) continue;
      if (harness === "claude-code" && agent.missing.length > 0) {
        findings.warn(
          file,
          `not an agent: Claude Code loads none without ${agent.missing.join(" and ")} in its frontmatter; add it`,
        );
        continue; // a session must not be sent to an agent that the harness does not have
      }
      // A session must not be sent to an agent that only other agents call: OpenCode offers none of those.
      if (harness === "opencode" && !agent.isOffered) continue;
      found.push(agent.discovered);
    }
  }
  return withoutRepeats(found.slice(0, MAX_FOUND), findings);
}

/** `SKILL.md` files one folder below the skills' folders. A skill is called what its folder is called. */
export async function discoverSkills(
  root: string,
  harness: HarnessType,
  findings: Findings,
): Promise<Discovered[]> {
  const found: Discovered[] = [];
  for (const place of PLACES[harness].skills) {
    for (const folder of await listFolder(root, place)) {
      const file = path.join(place, folder, "SKILL.md");
      const skill = await describe(root, file, folder, findings);
      if (skill === null) continue;
      if (skill.discovered.name !== folder) {
        findings.warn(
          file,
          `name is "${skill.discovered.name}", but a skill goes by its folder's name, "${folder}"`,
        );
      }
      found.push({ ...skill.discovered, name: folder });
    }
  }
  return withoutRepeats(found.slice(0, MAX_FOUND), findings);
}

interface Described {
  readonly discovered: Discovered;
  /** Fields of the frontmatter that are not there. */
  readonly missing: readonly string[];
  /** By OpenCode's fields: as an agent that one can talk to. */
  readonly isOffered: boolean;
}

async function describe(
  root: string,
  file: string,
  fallback: string,
  findings: Findings,
): Promise<Described | null> {
  const read = await readText(root, file);
  if (read.kind === "absent") return null;
  if (read.kind === "refused") {
    findings.refuse(file, read.message);
    return null;
  }
  const frontmatter = readFrontmatter(read.text);
  switch (frontmatter.kind) {
    case "bad":
      findings.warn(file, `${frontmatter.message}; it is listed by its file's name`);
      return { discovered: { name: fallback, description: "", path: file }, missing: [], isOffered: true };
    case "none":
      return {
        discovered: { name: fallback, description: "", path: file },
        missing: ["name", "description"],
        isOffered: true,
      };
    case "loose":
      findings.warn(
        file,
        "its frontmatter is not quite YAML (a value with a colon needs quotes); it was read line by line",
      );
      break;
    case "read":
      break;
  }
  const { name, description, mode, isDisabled } = frontmatter;
  return {
    discovered: { name: name ?? fallback, description: description ?? "", path: file },
    missing: [...(name === null ? ["name"] : []), ...(description === null ? ["description"] : [])],
    isOffered: mode !== "subagent" && !isDisabled,
  };
}

async function markdownBelow(root: string, folder: string, depth: number): Promise<string[]> {
  const files: string[] = [];
  for (const name of await listFolder(root, folder)) {
    const file = path.join(folder, name);
    if (name.endsWith(".md")) files.push(file);
    else if (depth < MAX_DEPTH && (await locate(root, file)).kind === "folder") {
      files.push(...(await markdownBelow(root, file, depth + 1)));
    }
    if (files.length >= MAX_FOUND) break;
  }
  return files;
}

function withoutRepeats(found: readonly Discovered[], findings: Findings): Discovered[] {
  const kept = new Map<string, Discovered>();
  for (const one of found) {
    const first = kept.get(one.name);
    if (first === undefined) kept.set(one.name, one);
    else findings.warn(one.path, `"${one.name}" is the name of ${first.path} too; only that one is listed`);
  }
  return [...kept.values()];
}
