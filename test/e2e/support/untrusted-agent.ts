/** An agent that does what it is told, and what nobody but its owner may see: for tests of what an agent may touch. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "@jest/globals";
import { createSession, send } from "../../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../../support/kartad.ts";

const tool = (word: string, name: string, input: string): string => `
[[reply]]
when = "^${word} (?<it>.+)"
tool = { name = "${name}", input = { ${input} } }
text = "The tool said: {{tool_result}}"
`;

/** An agent that does what it is told: "bash LINE", "read FILE", "write FILE". */
export const SCRIPT = `
first_token_ms = 0
tokens_per_second = 0
${tool("bash", "Bash", 'command = "$<it>", description = "as told"')}
${tool("read", "Read", 'file_path = "$<it>"')}
${tool("write", "Write", 'file_path = "$<it>", content = "written"')}
${tool("find order", "mcp__orders__find_order", 'number = "$<it>"')}
[[reply]]
when = "slowly"
text = "${"word ".repeat(60)}"
tokens_per_second = 4
[default]
text = "ok: {{last_user}}"
`;

/** Is in the store, in a transcript, in a key's file and in a workspace, and nobody but its owner may see it. */
export const SECRET = "the-word-is-swordfish";
/** Is in every variable of kartad's environment that is nobody else's. */
export const PLANTED = "planted-in-the-environment";

export const files = (toml: string, settings: object = {}): Record<string, string> => ({
  "CLAUDE.md": "# Bot\n",
  "offline.toml": SCRIPT,
  "karta.toml": `${toml}[pool]\nspares = 0\n`,
  ".claude/settings.json": JSON.stringify(settings),
  "in.txt": "inside",
});

export const TOOLS = '[harness]\nallowed_tools = ["Bash", "Read", "Write"]\n';

/** A kartad with {@link PLANTED} in what is its own. */
export const startIn = (home: TestHome): Promise<Kartad> =>
  home.start({
    env: {
      ...Object.fromEntries(
        ["AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "KARTA_SECRET", "OPENAI_API_KEY", "SHOP_TOKEN"].map(
          (name) => [name, PLANTED],
        ),
      ),
      NODE_OPTIONS: `--title=${PLANTED}`,
    },
  });

export interface UntrustedScene {
  readonly home: TestHome;
  readonly kartad: Kartad;
  /** The session whose words, files and transcript hold the secret. */
  readonly owner: string;
}

/** @param projects by their names; a project `free` with a workspace for each session is added, the owner's */
export async function openScene(
  projects: Readonly<Record<string, Record<string, string>>>,
): Promise<UntrustedScene> {
  const home = makeHome();
  const kartad = await startIn(home);
  const free = files('[runtime]\npermission_mode = "autonomous"\nworkspace = "session"\n');
  for (const [name, content] of Object.entries({ free, ...projects })) {
    const folder = home.project(name, content);
    symlinkSync(home.state, path.join(folder, "link"));
    expect(await home.ask(["project", "add", folder, name])).toMatchObject({ code: 0 });
  }
  writeFileSync(path.join(home.folder, "free", "others.txt"), SECRET); // another project's, to all others
  mkdirSync(path.join(home.folder, ".claude"));
  writeFileSync(path.join(home.folder, ".claude", ".credentials.json"), SECRET);
  mkdirSync(path.join(home.state, "keys"), { recursive: true });
  writeFileSync(path.join(home.state, "keys", "planted"), SECRET);
  const { id: owner } = await createSession(kartad.url, { project: "free" });
  await send(kartad.url, owner, SECRET);
  writeFileSync(path.join(workspaceOf(home, "free", owner), "own.txt"), SECRET);
  return { home, kartad, owner };
}

/** A session's copy of its project's folder. */
export function workspaceOf(home: TestHome, project: string, id: string): string {
  return path.join(home.state, "workspaces", project, id, "files");
}
