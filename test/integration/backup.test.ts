/** `karta backup` and `karta restore` on a real kartad: whole or not at all, and never over somebody's file. */
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createSession, openTurn, frames, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";

jest.setTimeout(90_000);

let home: TestHome;
let file: string;
beforeEach(() => {
  home = makeHome();
  file = path.join(home.folder, "backup.db");
});
afterEach(async () => {
  await home.ask(["stop"]);
  await home.remove();
});

async function withProject(): Promise<Kartad> {
  const kartad = await home.start();
  const folder = home.project("bot", {
    "CLAUDE.md": "# Bot",
    "offline.toml": `tokens_per_second = 0\n[[reply]]\nwhen = "slowly"\ntext = "one two three four five six seven eight"\ntokens_per_second = 8\n[default]\ntext = "ok"\n`,
  });
  await home.operator.addProject(folder, "bot");
  return kartad;
}

/** The running kartad's URL, whoever started it. */
async function url(): Promise<string> {
  return (await home.operator.status()).url;
}

const integrityOf = (place: string): unknown => {
  const database = new DatabaseSync(place, { readOnly: true });
  try {
    return database.prepare("PRAGMA integrity_check").get()?.integrity_check;
  } finally {
    database.close();
  }
};
const leftovers = () =>
  readdirSync(home.state).filter((name) => name.includes("part-") || name.endsWith(".restore"));

test("a backup made while a turn runs is whole, its owner's alone, and brings every stored event back", async () => {
  const kartad = await withProject();
  const { id } = await createSession(kartad.url, { metadata: { visitor: "v1" } });
  await send(kartad.url, id, "hello");
  const before = await storedEvents(kartad.url, id);
  const live = frames(await openTurn(kartad.url, (await createSession(kartad.url)).id, "count slowly"));
  await live.next();
  const made = await home.karta(["backup", file, "--json"]);
  expect(made).toMatchObject({ code: 0 });
  expect((await Array.fromAsync(live)).at(-1)?.event).toMatchObject({ type: "done" });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(made.stdout)).toEqual({
    file,
    bytes: statSync(file).size,
    left_out: ["keys", "harness", "workspaces", "kartad.toml"].map((name) => path.join(home.state, name)),
  });
  expect(integrityOf(file)).toBe("ok");

  const late = await createSession(kartad.url);
  const restored = await home.karta(["restore", file, "--yes", "--json"]);
  expect(restored).toMatchObject({ code: 0 });
  expect(JSON.parse(restored.stdout)).toMatchObject({
    restored: true,
    restarted: true,
    projects: 1,
    sessions: 2,
    migrated: 0,
  });
  const again = await url();
  expect(await storedEvents(again, id)).toEqual(before);
  expect((await request(again, "GET", `/v1/sessions/${late.id}`)).status).toBe(404); // it came after the backup
  expect(await send(again, id, "and now?")).toMatchObject({ text: "ok" });
  // What was replaced is kept, whole.
  const [kept = ""] = readdirSync(path.join(home.state, "set-aside"));
  const old = new DatabaseSync(path.join(home.state, "set-aside", kept, "karta.db"), { readOnly: true });
  expect(old.prepare("SELECT count(*) AS n FROM sessions").get()?.n).toBe(3);
  old.close();
  expect(leftovers()).toEqual([]);
});

test("a file that is there is overwritten by --force alone; a folder that is not there is an error, and leaves nothing", async () => {
  await home.start();
  writeFileSync(file, "mine");
  expect(await home.ask(["backup", file])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining("--force"),
  });
  expect(readFileSync(file, "utf8")).toBe("mine");
  expect((await home.ask(["backup", file, "--force"])).code).toBe(0);
  expect(integrityOf(file)).toBe("ok");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const nowhere = await home.ask(["backup", path.join(home.folder, "no/such/folder.db")]);
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("could not be written") });
  expect(readdirSync(home.folder).filter((name) => name.includes("part"))).toEqual([]);
  expect(leftovers()).toEqual([]);
});

test("what is no whole backup of Karta is refused with the reason, and the store goes on as it was", async () => {
  const kartad = await withProject();
  const { id } = await createSession(kartad.url);
  await send(kartad.url, id, "hello");
  await home.ask(["backup", file]);
  const place = (name: string) => path.join(home.folder, name);
  const whole = readFileSync(file);
  writeFileSync(place("torn.db"), whole.subarray(0, whole.length / 2));
  writeFileSync(place("notes.db"), "these are notes, not a database\n".repeat(100));
  writeFileSync(place("empty.db"), "");
  const change = (name: string, sql: string) => {
    writeFileSync(place(name), whole);
    const database = new DatabaseSync(place(name));
    database.exec(sql);
    database.close();
  };
  change("newer.db", "INSERT INTO kysely_migration VALUES ('9999_from_the_future', '2030-01-01T00:00:00Z')");
  change("gap.db", "DELETE FROM kysely_migration WHERE name = '0006_keys'");
  change("trigger.db", "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM sessions; END");
  change(
    "own-trigger.db",
    "DROP TRIGGER responses_end_with_session; " +
      "CREATE TRIGGER responses_end_with_session AFTER INSERT ON events BEGIN DELETE FROM sessions; END",
  );
  const other = new DatabaseSync(place("other.db"));
  other.exec("CREATE TABLE recipes (name text)");
  other.close();
  for (const [name, words] of [
    ["torn.db", "damaged"],
    ["notes.db", "not a database"],
    ["empty.db", "not one of Karta's"],
    ["other.db", "not one of Karta's"],
    ["newer.db", "a newer kartad made it"],
    ["gap.db", 'lacks "0006_keys"'],
    ["trigger.db", "none of Karta's"],
    ["own-trigger.db", "none of Karta's"],
  ] as const) {
    const { code, stderr } = await home.ask(["restore", place(name), "--yes"]);
    expect({ name, code, stderr }).toEqual({ name, code: 5, stderr: expect.stringContaining(words) });
  }
  expect((await home.ask(["restore", place("no-such.db"), "--yes"])).code).toBe(1);
  expect(leftovers()).toEqual([]);
  expect((await home.ask(["restore", file])).code).toBe(2); // nobody can be asked
  expect((await request(kartad.url, "GET", `/v1/sessions/${id}`)).status).toBe(200);
});

test("one of an older Karta is brought up to date; with --no-restart it waits for the next start", async () => {
  const kartad = await withProject();
  const { id } = await createSession(kartad.url);
  await home.ask(["backup", file]);
  const older = new DatabaseSync(file);
  older.exec(
    "DROP TABLE keys; DROP INDEX sessions_by_end_user; ALTER TABLE sessions DROP COLUMN end_user; " +
      "DELETE FROM kysely_migration WHERE name >= '0006'",
  );
  older.close();
  await createSession(kartad.url);
  const waits = await home.karta(["restore", file, "--yes", "--no-restart", "--json"]);
  expect(JSON.parse(waits.stdout)).toMatchObject({ restored: true, restarted: false, sessions: 1 });
  expect((JSON.parse(waits.stdout) as { migrated: number }).migrated).toBeGreaterThan(0);
  expect((await request(kartad.url, "GET", "/v1/sessions")).body.data).toHaveLength(2);
  await kartad.kill(); // however it ends
  const next = await home.start();
  expect((await request(next.url, "GET", "/v1/sessions")).body.data).toMatchObject([{ id }]);
  expect(next.log()).toContain("set-aside");
});

test("with no kartad running it is done in its place", async () => {
  const kartad = await withProject();
  await createSession(kartad.url);
  await home.ask(["backup", file]);
  await createSession(kartad.url);
  await kartad.stop();
  const { code, stdout } = await home.karta(["restore", file, "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("1 project, 1 session");
  expect(stdout).toContain(path.join(home.state, "set-aside"));
  const next = await home.start();
  expect((await request(next.url, "GET", "/v1/sessions")).body.data).toHaveLength(1);
});

test("copies that a crash left are gone with the next start", async () => {
  mkdirSync(home.state, { recursive: true });
  writeFileSync(path.join(home.state, "karta.db.part-1234"), "half a copy");
  await home.start();
  expect(leftovers()).toEqual([]);
});
