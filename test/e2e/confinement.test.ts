/**
 * The agent is not trusted: the real Claude Code, told by its (scripted) model to do what an attacker would have it do.
 * Its tools are refused what is kept from agents; what it starts has an environment of its own.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { createSession, send, storedEvents } from "../support/api.ts";
import type { Kartad, TestHome } from "../support/kartad.ts";
import { processesWith } from "../support/processes.ts";
import { files, openScene, PLANTED, SECRET, TOOLS, workspaceOf } from "./support/untrusted-agent.ts";

jest.setTimeout(60_000);

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
let owner: string;
beforeAll(async () => {
  ({ home, kartad, owner } = await openScene({ undoing: files(TOOLS, UNDOING) }));
});
afterAll(() => home.remove());

const workspace = (project: string, id: string): string => workspaceOf(home, project, id);
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

describe("Claude Code's tools are refused", () => {
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
    // Every way where a project's settings try to undo the rules; a few where nobody is asked.
    const wanted = Object.entries(KEPT).filter((_, index) => project === "undoing" || index % 4 === 0);
    for (const [what, line] of wanted) {
      const told = await say(id, line());
      found[what] = /denied|deny rule|kept from agents|does not exist/.test(told);
    }
    expect(found).toEqual(Object.fromEntries(wanted.map(([what]) => [what, true])));
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
    expect(
      await say(id, `bash echo kept > $TMPDIR/x; cat $TMPDIR/x ${workspace("free", id)}/out.txt`),
    ).toContain("kept\nwritten");
    const aside = /saved to: (\S+)/.exec(await say(id, "bash seq 1 20000"))?.[1];
    expect(await say(id, `read ${aside}`)).toContain("12345");
  });
});

test("what kartad starts has nothing of kartad's environment but the list, and none of its files open", async () => {
  const folder = home.project("open", {
    ...files(
      'entry_point = "app:app"\n[environment]\nsetup = "setup.sh"\n[runtime]\npermission_mode = "autonomous"\n',
      {
        hooks: { PreToolUse: [{ hooks: [{ type: "command", command: "env > hook.env" }] }] },
      },
    ),
    ".mcp.json": JSON.stringify({
      mcpServers: { idle: { command: "/bin/sh", args: ["-c", "env > mcp.env; exec sleep 1004"] } },
    }),
    "setup.sh": "env > setup.env\n",
    "app.py": "from karta import Karta\napp = Karta()\n@app.policy\ndef all(message):\n    return None\n",
  });
  expect(await home.ask(["project", "add", folder, "open"])).toMatchObject({ code: 0 });
  const id = await session("open");
  await say(id, "bash env > bash.env");
  for (const name of ["hook", "mcp", "setup", "bash"]) {
    const env = readFileSync(path.join(folder, `${name}.env`), "utf8");
    expect(env).toContain("HOME=");
    expect(env).not.toContain(PLANTED);
    expect(env).not.toMatch(/^(KARTA_HOME|KARTA_SOCKET|XDG_RUNTIME_DIR|NODE_OPTIONS)=/m);
  }
  const family = processesWith(home.folder);
  expect(family.some(({ command }) => command.includes("karta.worker"))).toBe(true);
  expect(processesWith(PLANTED).map(({ pid }) => pid)).toEqual([kartad.pid]);
  for (const { pid } of family.filter((one) => one.pid !== kartad.pid)) {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(open.filter((file) => /karta\.db|kartad\.|\/(keys|logs|run)\//.test(file))).toEqual([]);
  }
});
