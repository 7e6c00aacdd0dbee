/**
 * The agent is not trusted: the real Claude Code, told by its (scripted) model to do what an attacker would have it do.
 * Without a sandbox its tools are refused what is kept from agents; in one, it is not there.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, frames, openTurn, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesRunning, processesWith } from "../support/processes.ts";
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

const LOOK = `import os, sys
seen = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        file = os.path.join(folder, name)
        if not os.path.isfile(file): continue
        seen += 1
        if b"sword" + b"fish" in open(file, "rb").read(): print("sword" + "fish", file)
print("looked at", seen)
`;
const CONNECT = `import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1])
print("connected")
`;
const server = path.join(packageRoot(), "test/fixtures/acp/orders-mcp-server.ts");
const BOXED = {
  ...files(`${TOOLS}[runtime]\nworkspace = "session"\nsandbox = true\n`),
  "look.py": LOOK,
  "connect.py": CONNECT,
  ".mcp.json": JSON.stringify({ mcpServers: { orders: { command: process.execPath, args: [server] } } }),
};

const projects: Record<string, Record<string, string>> = {
  free: files('[runtime]\npermission_mode = "autonomous"\nworkspace = "session"\n'),
  undoing: files(TOOLS, UNDOING),
  ...(here === null ? { boxed: BOXED } : {}),
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
  expect(await home.karta(["project", "add", folder, "open"])).toMatchObject({ code: 0 });
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

test("where no sandbox can be made, a project that wants one is refused, with what to do", async () => {
  const bare = makeHome();
  try {
    const wanting = bare.project("wanting", files("[runtime]\nsandbox = true\n"));
    const plain = bare.project("plain", files(""));
    const add = (folder: string) => bare.karta(["project", "add", folder]);
    let without = await bare.start({ env: { PATH: "/nowhere" } });
    const refused = await add(wanting);
    expect(refused).toMatchObject({ code: 5 });
    expect(refused.stderr).toMatch(/karta\.toml: runtime\.sandbox.*bwrap.*\n?.*apt-get install bubblewrap/s);
    expect((await bare.karta(["project", "check", wanting])).code).toBe(5);
    expect(await add(plain)).toMatchObject({ code: 0 });
    expect((await bare.karta(["doctor"])).stdout).toMatch(/sandbox.*bubblewrap \(bwrap\) is not on the PATH/);
    await without.stop();
    writeFileSync(path.join(bare.state, "kartad.toml"), 'sandbox = "required"\n');
    without = await bare.start({ env: { PATH: "/nowhere" } });
    expect((await add(plain)).stderr).toMatch(/kartad\.toml: sandbox/);
    const { id } = await createSession(without.url, { project: "plain" });
    expect(
      await request(without.url, "POST", `/v1/sessions/${id}/messages`, { text: "hello" }),
    ).toMatchObject({
      status: 503,
      body: { error: "harness_unavailable" },
    });
  } finally {
    await bare.remove();
  }
});

(here === null ? describe : describe.skip)("in a sandbox", () => {
  let id: string;

  beforeAll(async () => {
    id = await session("boxed");
  });

  test("a turn streams, and the agent works on its own copy of the folder", async () => {
    const events = await Array.fromAsync(
      frames(await openTurn(kartad.url, id, "bash pwd; cat in.txt; echo made > made.txt")),
    );
    expect(events.map(({ event }) => event.type)).toEqual(
      expect.arrayContaining(["tool_use", "tool_result", "text", "done"]),
    );
    expect(JSON.stringify(events)).toContain(`${workspace("boxed", id)}\\ninside`);
    expect(readFileSync(path.join(workspace("boxed", id), "made.txt"), "utf8")).toBe("made\n");
    expect(existsSync(path.join(home.folder, "boxed", "made.txt"))).toBe(false);
  });

  test("nothing of kartad's, of other sessions or of the operator is there, however it is spelled", async () => {
    const state = "$HOME/../../../.."; // a command that spells it out is refused before it comes to the sandbox
    const lines = [
      `bash ls ${state}`,
      `bash python3 look.py ${state}/..`,
      "bash python3 look.py /tmp",
      `bash python3 connect.py ${state}/../run/k.sock`,
      "bash cat /proc/*/environ",
      `bash kill -9 ${kartad.pid} && echo sword''fish`,
      `bash for f in /etc /usr ${state}/.. ${state}/../free; do touch $f/x; done`,
      `bash umount ${state}; umount -l ${state}; unshare -rm umount -l ${state}; python3 look.py ${state}`,
    ];
    const free = (await createSession(kartad.url, { project: "boxed", permission_mode: "autonomous" })).id;
    const told: string[] = [];
    for (const line of lines) told.push(await say(free, line));
    expect(told[1]).toMatch(/^The tool said: looked at [1-9]/);
    expect(told[2]).toMatch(/^The tool said: looked at [1-9]/);
    expect(told[0]).not.toMatch(/karta\.db|keys|logs/);
    expect(told.join("\n")).not.toMatch(/swordfish|connected|kept from agents|denied/);
    expect(told.join("\n")).not.toContain(PLANTED);
    const { folder } = home;
    for (const written of ["/etc/x", "/usr/x", `${folder}/x`, `${folder}/free/x`])
      expect(existsSync(written)).toBe(false);
    expect((await request(kartad.url, "GET", "/healthz")).status).toBe(200);
  });

  test("a tool that no rule allows waits for people, and then does its work", async () => {
    const asking = await session("boxed");
    const reading = frames(await openTurn(kartad.url, asking, "find order 4711"));
    for await (const { event } of reading) {
      if (event.type !== "input_required") continue;
      expect(event.data.tool).toBe("mcp__orders__find_order");
      const answered = await request(
        kartad.url,
        "PUT",
        `/v1/sessions/${asking}/inputs/${event.data.request_id}`,
        {
          decision: "approve_once",
        },
      );
      expect(JSON.stringify(answered.body)).toContain("4711");
      break;
    }
  });

  test("a turn is cancelled, and the conversation goes on", async () => {
    const reading = frames(await openTurn(kartad.url, id, "slowly"));
    for await (const { event } of reading) if (event.type === "text") break;
    await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`);
    expect(await say(id, "bash cat made.txt")).toContain("made");
  });

  test("kartad's death leaves nothing of it, and the conversation goes on after a start", async () => {
    const reading = frames(
      await openTurn(kartad.url, id, "bash setsid env -i sleep 1003 & sleep 0.1; echo away"),
    );
    for await (const { event } of reading) if (event.type === "done") break;
    await eventually(() => processesRunning("sleep 1003").length === 1, "what has left its group runs");
    await kartad.kill();
    await eventually(() => processesRunning("sleep 1003").length === 0, "it went with its sandbox");
    await eventually(() => processesWith(home.folder).length === 0, "every other process is gone");
    kartad = await start();
    const before = await request(kartad.url, "GET", `/v1/sessions/${id}/messages`);
    expect(JSON.stringify(before.body)).toContain("cat made.txt");
    expect(await say(id, "bash cat made.txt")).toContain("made");
    const after = await request(kartad.url, "GET", `/v1/sessions/${id}/messages`);
    expect(JSON.stringify(after.body)).toContain("slowly");
  });

  test("a program that makes sandboxes and goes away takes the project's turns with it, and no agent starts without", async () => {
    const bare = makeHome();
    try {
      const folder = path.join(bare.folder, "bin");
      mkdirSync(folder);
      const bwrap = (process.env.PATH ?? "")
        .split(":")
        .map((one) => path.join(one, "bwrap"))
        .find((one) => existsSync(one));
      symlinkSync(bwrap ?? "", path.join(folder, "bwrap"));
      const { url } = await bare.start({ env: { PATH: folder } });
      const wanting = bare.project("wanting", files("[runtime]\nsandbox = true\n"));
      expect(await bare.karta(["project", "add", wanting])).toMatchObject({ code: 0 });
      const { id } = await createSession(url, { project: "wanting" });
      rmSync(path.join(folder, "bwrap"));
      const sent = await request(url, "POST", `/v1/sessions/${id}/messages`, { text: "hello" });
      expect(sent).toMatchObject({ status: 503, body: { error: "harness_unavailable" } });
      expect(JSON.stringify(sent.body)).toMatch(/wants a sandbox: .*bwrap is gone/);
    } finally {
      await bare.remove();
    }
  });
});
