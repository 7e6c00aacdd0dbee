/**
 * The agent is not trusted: the real Claude Code, told by its (scripted) model to do what an attacker would have it do.
 * Without a sandbox its tools are refused what is kept from agents; in one, it is not there.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createSession, frames, openTurn, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";
import { sandboxHere } from "../support/sandbox.ts";

jest.setTimeout(60_000);

const tool = (word: string, name: string, input: string): string => `
[[reply]]
when = "^${word} (?<it>.+)"
tool = { name = "${name}", input = { ${input} } }
text = "The tool said: {{tool_result}}"
`;

/** An agent that does what it is told: "bash LINE", "read FILE", "write FILE". */
const SCRIPT = `
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
const SECRET = "the-word-is-swordfish";
/** Is in every variable of kartad's environment that is nobody else's. */
const PLANTED = "planted-in-the-environment";

const files = (toml: string, settings: object = {}): Record<string, string> => ({
  "CLAUDE.md": "# Bot\n",
  "offline.toml": SCRIPT,
  "karta.toml": `${toml}[pool]\nspares = 0\n`,
  ".claude/settings.json": JSON.stringify(settings),
  "in.txt": "inside",
});

const TOOLS = '[harness]\nallowed_tools = ["Bash", "Read", "Write"]\n';
/** What a project, or an agent that writes into its folder, may try to undo Karta's rules with. */
const UNDOING = {
  permissions: {
    allow: ["Bash(*)", "Read(//**)", "Edit(//**)"],
    deny: ["Read(!//**)", "Edit(!//**)"],
    additionalDirectories: ["/"],
    defaultMode: "acceptEdits",
  },
};

let home: TestHome;
let kartad: Kartad;
/** The session whose words, files and transcript are the secret. */
let owner: string;

const here = await sandboxHere();
if (here !== null) process.stdout.write(`without a sandbox: ${here}\n`);

const start = (): Promise<Kartad> =>
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

const projects: Record<string, Record<string, string>> = {
  free: files('[runtime]\npermission_mode = "autonomous"\nworkspace = "session"\n'),
  undoing: files(TOOLS, UNDOING),
  ...(here === null ? { boxed: files(`${TOOLS}[runtime]\nworkspace = "session"\nsandbox = true\n`) } : {}),
};

beforeAll(async () => {
  home = makeHome();
  kartad = await start();
  for (const [name, content] of Object.entries(projects)) {
    const folder = home.project(name, content);
    symlinkSync(home.state, path.join(folder, "link"));
    expect(await home.karta(["project", "add", folder, name])).toMatchObject({ code: 0 });
  }
  mkdirSync(path.join(home.folder, ".claude"));
  writeFileSync(path.join(home.folder, ".claude", ".credentials.json"), SECRET);
  mkdirSync(path.join(home.state, "keys"), { recursive: true });
  writeFileSync(path.join(home.state, "keys", "planted"), SECRET);
  owner = (await createSession(kartad.url, { project: "free" })).id;
  await send(kartad.url, owner, SECRET);
  writeFileSync(path.join(workspace("free", owner), "own.txt"), SECRET);
});
afterAll(() => home.remove());

const workspace = (project: string, id: string): string =>
  path.join(home.state, "workspaces", project, id, "files");
const session = async (project: string): Promise<string> => (await createSession(kartad.url, { project })).id;
const say = async (id: string, text: string): Promise<string> => (await send(kartad.url, id, text)).text;

/** The owner's transcript. */
function transcript(): string {
  const folder = path.join(home.state, "harness/claude-code/projects");
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) => {
    return name.endsWith(".jsonl") && readFileSync(path.join(folder, name), "utf8").includes(SECRET);
  });
  return path.join(folder, found ?? "none");
}

describe("without a sandbox, Claude Code's tools are refused", () => {
  const KEPT: Record<string, () => string> = {
    "a key": () => `read ${home.state}/keys/planted`,
    "a key by a link of the project": () => "read link/keys/planted",
    "a key by dots": () => `read ${home.folder}/free/../state/keys/planted`,
    "the store": () => `read ${home.state}/karta.db`,
    "the store's log, by cat": () => `bash cat ${home.state}/karta.db-wal`,
    "the keys, by cd": () => `bash cd ${home.state} && cat keys/planted`,
    "a key by a redirection": () => `bash head -c 99 < ${home.state}/keys/planted`,
    "a key by a variable": () => `bash S=${home.state}; cat $S/keys/planted`,
    "a program that names a key": () => `bash python3 -c "print(open('${home.state}/keys/planted').read())"`,
    "a new setting of kartad's": () => `write ${home.state}/kartad.toml`,
    "another session's file": () => `read ${workspace("free", owner)}/own.txt`,
    "another session's file, by cat": () => `bash cat ${workspace("free", owner)}/own.txt`,
    "a file in another session's workspace": () => `write ${workspace("free", owner)}/new.txt`,
    "another session's transcript": () => `read ${transcript()}`,
    "the operator's login": () => `read ${home.folder}/.claude/.credentials.json`,
    "the control socket": () => `bash curl -s --unix-socket ${home.socket} http://karta/v1/status`,
    "the operator's command": () => "bash karta status",
    "kartad's environment": () => `read /proc/${kartad.pid}/environ`,
  };

  test.each(["free", "undoing"])("what is kept from them, in the project %s, and say so", async (project) => {
    const id = await session(project);
    const found: Record<string, boolean> = {};
    for (const [what, line] of Object.entries(KEPT)) {
      const told = await say(id, line());
      found[what] = /denied|deny rule|kept from agents|does not exist/.test(told);
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(KEPT).map((what) => [what, true])));
    const events = await storedEvents(kartad.url, id);
    expect(events.filter(({ type }) => type === "input_required")).toEqual([]);
    expect(JSON.stringify(events)).not.toContain(SECRET);
    expect(existsSync(path.join(home.state, "kartad.toml"))).toBe(false);
    expect(existsSync(path.join(workspace("free", owner), "new.txt"))).toBe(false);
  });

  test("nothing of the session's own: its files, and what Claude Code puts aside for it", async () => {
    const id = await session("free");
    expect(await say(id, "read in.txt")).toContain("inside");
    expect(await say(id, `read ${workspace("free", id)}/in.txt`)).toContain("inside");
    expect(await say(id, "write out.txt")).toContain("created");
    expect(await say(id, `bash echo kept > $TMPDIR/x; cat $TMPDIR/x ${workspace("free", id)}/out.txt`)).toContain(
      "kept\nwritten",
    );
    const aside = /saved to: (\S+)/.exec(await say(id, "bash seq 1 20000"))?.[1];
    expect(await say(id, `read ${aside}`)).toContain("12345");
  });
});
