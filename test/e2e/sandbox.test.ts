/**
 * `[runtime] sandbox = true`: what confinement.test.ts shows to be refused is not there, however it is spelled; a turn is
 * a turn like any other; and where no sandbox can be made, nothing is started.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, frames, openTurn, request, send } from "../support/api.ts";
import { makeHome, WITHOUT_OPENCODE, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesRunning, processesWith } from "../support/processes.ts";
import { sandboxHere } from "../support/sandbox.ts";
import { files, openScene, PLANTED, startIn, TOOLS, workspaceOf } from "./support/untrusted-agent.ts";

jest.setTimeout(60_000);

const here = await sandboxHere();
if (here !== null) process.stdout.write(`without a sandbox: ${here}\n`);

/** Karta's own files are there to be read, and this one has the word. */
const LOOK = `import os, sys
seen = 0
for folder, inside, names in os.walk(sys.argv[1]):
    inside[:] = [name for name in inside if os.path.join(folder, name) != ${JSON.stringify(packageRoot())}]
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
const BOXED: Readonly<Record<string, string>> = {
  ...files(`${TOOLS}[runtime]\nworkspace = "session"\nsandbox = true\n`),
  "look.py": LOOK,
  "connect.py": CONNECT,
  ".mcp.json": JSON.stringify({ mcpServers: { orders: { command: process.execPath, args: [server] } } }),
};

test("where no sandbox can be made, a project that wants one is refused, with what to do", async () => {
  const bare = makeHome();
  try {
    const wanting = bare.project("wanting", files("[runtime]\nsandbox = true\n"));
    const plain = bare.project("plain", files(""));
    const add = (folder: string) => bare.ask(["project", "add", folder]);
    let without = await bare.start({ env: { PATH: "/nowhere", ...WITHOUT_OPENCODE } });
    const refused = await add(wanting);
    expect(refused).toMatchObject({ code: 5 });
    expect(refused.stderr).toMatch(/karta\.toml: runtime\.sandbox.*bwrap.*\n?.*apt-get install bubblewrap/s);
    expect((await bare.ask(["project", "check", wanting])).code).toBe(5);
    expect(await add(plain)).toMatchObject({ code: 0 });
    expect((await bare.ask(["doctor"])).stdout).toMatch(/sandbox.*bubblewrap \(bwrap\) is not on the PATH/);
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
  let home: TestHome;
  let kartad: Kartad;
  let id: string;
  beforeAll(async () => {
    ({ home, kartad } = await openScene({ boxed: BOXED }));
    id = await session("boxed");
  });
  afterAll(() => home.remove());

  const workspace = (project: string, id: string): string => workspaceOf(home, project, id);
  const session = async (project: string): Promise<string> =>
    (await createSession(kartad.url, { project })).id;
  const say = async (id: string, text: string): Promise<string> => (await send(kartad.url, id, text)).text;

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
    const state = "$(echo $HOME)/../../../.."; // a command that spells it out is refused before it comes to the sandbox
    const lines = [
      `bash ls ${state}`,
      `bash python3 look.py ${state}/..`,
      "bash python3 look.py /tmp",
      `bash python3 connect.py ${state}/../run/k.sock`,
      "bash cat /proc/*/environ",
      "bash echo '# mine' >> karta.toml; mv karta.toml other.toml; rm -f karta.toml; grep -c sandbox karta.toml",
      `bash kill -9 ${kartad.pid} && echo sword''fish`,
      `bash for f in /etc /usr ${state}/.. ${state}/../free; do touch $f/x; done`,
      `bash umount ${state}; umount -l ${state}; unshare -rm umount -l ${state}; python3 look.py ${state}`,
    ];
    const free = (await createSession(kartad.url, { project: "boxed", permission_mode: "autonomous" })).id;
    const told: string[] = [];
    for (const line of lines) told.push(await say(free, line));
    expect(told[1]).toMatch(/^The tool said: looked at [1-9]/);
    expect(told[2]).toMatch(/^The tool said: looked at [1-9]/);
    const own = path.join(workspace("boxed", free), "karta.toml"); // says whether there is a sandbox
    expect(readFileSync(own, "utf8")).toBe(BOXED["karta.toml"]);
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
    kartad = await startIn(home);
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
      expect(await bare.ask(["project", "add", wanting])).toMatchObject({ code: 0 });
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
