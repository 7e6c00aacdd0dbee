/** A store that is damaged: kartad refuses it and leaves it alone, and the operator is told the ways on. */
import { createHash } from "node:crypto";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { DoctorReportSchema } from "../../shared/protocol/doctor.ts";
import { createSession, request, send } from "../support/api.ts";
import { makeHome, type TestHome } from "../support/kartad.ts";

jest.setTimeout(90_000);

let home: TestHome;
let store: string;
beforeEach(() => {
  home = makeHome();
  store = path.join(home.state, "karta.db");
});
afterEach(() => home.remove());

/** A store of some pages, closed. */
async function makeStore(): Promise<void> {
  const kartad = await home.start();
  const folder = home.project("bot", { "CLAUDE.md": "# Bot", "offline.toml": '[default]\ntext = "ok"\n' });
  expect((await home.karta(["project", "add", folder, "bot"])).code).toBe(0);
  const { id } = await createSession(kartad.url, { metadata: { note: "x".repeat(400) } });
  await send(kartad.url, id, "hello ".repeat(2000));
  expect((await home.karta(["backup", path.join(home.folder, "good.db")])).code).toBe(0);
  await kartad.stop();
}

function overwrite(at: number, bytes: Buffer): void {
  const file = openSync(store, "r+");
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

const hash = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

async function repair() {
  const { code, stdout, stderr } = await home.karta(["doctor", "--repair", "--json"]);
  const checks = code === 0 || code === 1 ? DoctorReportSchema.parse(JSON.parse(stdout)).checks : [];
  return { code, checks, stderr, stdout };
}

test.each<[string, () => void]>([
  ["its first page is noise", () => overwrite(0, Buffer.alloc(4096, 0xa5))],
  ["a page in the middle is noise", () => overwrite(4096 * 4, Buffer.alloc(4096 * 6, 0xa5))],
  ["its end is missing", () => truncateSync(store, Math.floor(statSync(store).size / 2 / 4096) * 4096)],
  ["it is something else", () => writeFileSync(store, "these are notes, not a database\n".repeat(500))],
])(
  "a store is refused and left as it is when %s; --repair keeps all of it, and the next start begins anew",
  async (_what, damage) => {
    await makeStore();
    damage();
    const damaged = hash(store);
    const exit = await home.runToEnd();
    expect(exit.code).toBe(DAEMON_EXIT.store_corrupt);
    const last = exit.stderr.trim().split("\n").at(-1);
    expect(last).toMatch(/^kartad: store_corrupt: .*karta restore FILE.*karta doctor --repair/);
    expect(hash(store)).toBe(damaged);

    const started = await home.karta(["start", "--offline", "--port", "0"]);
    expect(started).toMatchObject({ code: 1, stderr: expect.stringContaining("karta doctor --repair") });
    const looked = DoctorReportSchema.parse(JSON.parse((await home.karta(["doctor", "--json"])).stdout));
    expect(looked.checks.find(({ name }) => name === "store")).toMatchObject({
      state: "problem",
      fix: expect.stringContaining("--repair"),
    });

    const { checks } = await repair();
    const [kept = ""] = readdirSync(path.join(home.state, "set-aside"));
    expect(kept).toMatch(/^damaged-\d{8}T\d{6}/);
    expect(checks[0]).toMatchObject({ name: "store", found: expect.stringContaining(kept) });
    expect(hash(path.join(home.state, "set-aside", kept, "karta.db"))).toBe(damaged);
    const next = await home.start();
    expect((await request(next.url, "GET", "/v1/sessions")).body.data).toEqual([]);
  },
);

test("a backup takes a damaged store's place, which is kept", async () => {
  await makeStore();
  overwrite(0, Buffer.alloc(4096, 0xa5));
  const { code, stdout } = await home.karta(["restore", path.join(home.folder, "good.db"), "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("set-aside");
  const next = await home.start();
  expect((await request(next.url, "GET", "/v1/sessions")).body.data).toHaveLength(1);
});

test("--repair leaves a whole store alone, and one that a kartad uses too", async () => {
  await makeStore();
  const whole = hash(store);
  const { checks } = await repair();
  expect(checks[0]).toMatchObject({
    name: "store",
    state: "ok",
    found: expect.stringContaining("nothing to repair"),
  });
  expect(hash(store)).toBe(whole);
  await home.start();
  const { code, stdout } = await home.karta(["doctor", "--repair", "--json"]);
  expect(code).toBe(5);
  expect(JSON.parse(stdout)).toMatchObject({
    error: "already_running",
    detail: expect.stringContaining("karta stop"),
  });
  expect(readdirSync(home.state)).not.toContain("set-aside");
});
