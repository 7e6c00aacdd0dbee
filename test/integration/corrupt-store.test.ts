/** A store that is damaged: kartad refuses it and leaves it alone, and the operator is told the ways on. */
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { DoctorReportSchema, type DoctorCheck } from "../../shared/protocol/doctor.ts";
import { createSession, request, send } from "../support/api.ts";
import { makeHome, WITHOUT_OPENCODE, type TestHome } from "../support/kartad.ts";

jest.setTimeout(60_000);

let home: TestHome;
let store: string;
/** A store of some pages, and a backup of it. */
let whole: Buffer;
let backup: Buffer;
beforeAll(async () => {
  const first = makeHome();
  try {
    const kartad = await first.start();
    const folder = first.project("bot", { "CLAUDE.md": "# Bot", "offline.toml": '[default]\ntext = "ok"\n' });
    await first.operator.addProject(folder, "bot");
    const { id } = await createSession(kartad.url, { metadata: { note: "x".repeat(400) } });
    await send(kartad.url, id, "hello ".repeat(2000));
    expect((await first.karta(["backup", path.join(first.folder, "good.db")])).code).toBe(0);
    await kartad.stop();
    whole = readFileSync(path.join(first.state, "karta.db"));
    backup = readFileSync(path.join(first.folder, "good.db"));
  } finally {
    await first.remove();
  }
});
beforeEach(() => {
  home = makeHome();
  store = path.join(home.state, "karta.db");
  mkdirSync(home.state, { mode: 0o700 });
  writeFileSync(store, whole);
});
afterEach(() => home.remove());

function overwrite(at: number, bytes: Buffer): void {
  const file = openSync(store, "r+");
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

const hash = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** What `karta doctor` says of the store. */
async function storeCheck(...flags: string[]): Promise<DoctorCheck | undefined> {
  const { stdout } = await home.karta(["doctor", "--json", ...flags], { env: WITHOUT_OPENCODE });
  return DoctorReportSchema.parse(JSON.parse(stdout)).checks.find(({ name }) => name === "store");
}

const PAGE = 4096;
const noise = (pages: number) => Buffer.alloc(PAGE * pages, 0xa5);

test.each<[string, () => void]>([
  ["its first page is noise", () => overwrite(0, noise(1))],
  ["pages in the middle are noise", () => overwrite(PAGE * 4, noise(6))],
  ["its end is missing", () => truncateSync(store, Math.floor(whole.length / 2 / PAGE) * PAGE)],
  ["it is something else", () => writeFileSync(store, "these are notes, not a database\n".repeat(500))],
])("a store is refused by name, and left as it is, when %s", async (_what, damage) => {
  damage();
  const damaged = hash(store);
  const exit = await home.runToEnd();
  expect(exit.code).toBe(DAEMON_EXIT.store_corrupt);
  const last = exit.stderr.trim().split("\n").at(-1);
  expect(last).toMatch(/^kartad: store_corrupt: .*karta restore FILE.*karta doctor --repair/);
  expect(hash(store)).toBe(damaged);
});

test("the operator's way: told by `karta start` and the doctor, `--repair` keeps all of it, the next start begins anew", async () => {
  overwrite(PAGE * 4, noise(6));
  const damaged = hash(store);
  const started = await home.karta(["start", "--offline", "--port", "0"]);
  expect(started).toMatchObject({ code: 1, stderr: expect.stringContaining("karta doctor --repair") });
  expect(await storeCheck()).toMatchObject({ state: "problem", fix: expect.stringContaining("--repair") });
  const repaired = await storeCheck("--repair");
  const [kept = ""] = readdirSync(path.join(home.state, "set-aside"));
  expect(kept).toMatch(/^damaged-\d{8}T\d{6}/);
  expect(repaired).toMatchObject({
    found: expect.stringContaining(kept),
    fix: expect.stringContaining("restore"),
  });
  expect(hash(path.join(home.state, "set-aside", kept, "karta.db"))).toBe(damaged);
  const next = await home.start();
  expect((await request(next.url, "GET", "/v1/sessions")).body.data).toEqual([]);
});

test("a backup takes a damaged store's place, which is kept", async () => {
  overwrite(0, noise(1));
  const file = path.join(home.folder, "good.db");
  writeFileSync(file, backup);
  const { code, stdout } = await home.karta(["restore", file, "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("set-aside");
  const next = await home.start();
  expect((await request(next.url, "GET", "/v1/sessions")).body.data).toHaveLength(1);
});

test("--repair leaves a whole store alone, and one that a kartad uses too", async () => {
  const before = hash(store);
  expect(await storeCheck("--repair")).toMatchObject({
    state: "ok",
    found: expect.stringContaining("nothing to repair"),
  });
  expect(hash(store)).toBe(before);
  await home.start();
  const { code, stdout } = await home.karta(["doctor", "--repair", "--json"]);
  expect(code).toBe(5);
  expect(JSON.parse(stdout)).toMatchObject({
    error: "already_running",
    detail: expect.stringContaining("karta stop"),
  });
  expect(readdirSync(home.state)).not.toContain("set-aside");
});
