/** What the real Claude Code and the real OpenCode leave in the temp folder: it goes with them, however they end. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { createSession, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventually, processesWith } from "../support/processes.ts";
import { ROWS } from "./support/conformance.ts";

jest.setTimeout(60_000);

const SCRIPT = "first_token_ms = 0\ntokens_per_second = 0\n[default]\ntext = 'ok'\n";
const PROJECTS = {
  "claude-code": { "CLAUDE.md": "# Bot\n" },
  opencode: { "AGENTS.md": "# Bot\n" },
};
const missing = ROWS.find(({ name }) => name === "opencode")?.missing ?? null;
const projects = Object.entries(PROJECTS).filter(([name]) => name !== "opencode" || missing === null);
if (missing !== null) process.stdout.write(`without OpenCode: ${missing}\n`);

let home: TestHome;
let kartad: Kartad;
let system: string;
beforeAll(async () => {
  home = makeHome();
  system = path.join(home.folder, "system-temp");
  mkdirSync(system);
  kartad = await start();
  for (const [name, files] of projects) {
    const toml = { "karta.toml": "[pool]\nspares = 0\n", "offline.toml": SCRIPT };
    const folder = home.project(name, { ...files, ...toml });
    await home.operator.addProject(folder, name);
  }
});
afterAll(() => home.remove());

const start = (): Promise<Kartad> => home.start({ env: { TMPDIR: system } });
const own = (): string => path.join(home.state, "tmp");

/** Everything below a folder but folders. */
function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** A turn with each harness, or with those named. */
async function turns(names = projects.map(([name]) => name)): Promise<string[]> {
  return Promise.all(
    names.map(async (project) => {
      const { id } = await createSession(kartad.url, { project });
      expect((await send(kartad.url, id, "hello")).text).toBe("ok");
      return id;
    }),
  );
}

test("it is in folders of kartad's own, one a process, and nothing is in the system's", async () => {
  await turns();
  expect(readdirSync(own()).length).toBe(projects.length);
  expect(filesIn(own()).length).toBeGreaterThan(0);
  expect(filesIn(system)).toEqual([]);
});

test("it goes with a process that ends, and with one that is killed", async () => {
  const before = new Set(readdirSync(own()));
  const ids = await turns();
  for (const id of ids.slice(0, 1)) await request(kartad.url, "DELETE", `/v1/sessions/${id}`);
  await eventually(() => readdirSync(own()).length < before.size + ids.length, "the ended one's is gone");
  for (const { pid, command } of processesWith(own())) if (/claude|opencode/.test(command)) kill(pid);
  await eventually(() => readdirSync(own()).length === 0, "those of the killed are gone");
  expect(filesIn(system)).toEqual([]);
});

test("what a killed kartad left goes at the next start; what is there at a stop goes with it", async () => {
  await turns(["claude-code"]); // kartad does not know whose files it finds
  expect(readdirSync(own()).length).toBe(1);
  await kartad.kill();
  await eventually(() => processesWith(home.folder).length === 0, "every process is gone");
  kartad = await start();
  expect(readdirSync(own())).toEqual([]);
  await turns();
  await kartad.stop();
  expect(readdirSync(own())).toEqual([]);
  expect(filesIn(system)).toEqual([]);
});

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return; // it went with another
  }
}
