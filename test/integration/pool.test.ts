/** The pool behind a real kartad, with the real harness: spares, warm, and what an operator sees of them. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Status } from "../../shared/protocol/control.ts";
import { createSession, request, send } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventuallyIs } from "../support/processes.ts";

jest.setTimeout(60_000);

const FOLDER = {
  "CLAUDE.md": "# Beans\n",
  "offline.toml": '[default]\ntext = "ok: {{last_user}}"\n',
  "karta.toml": "[pool]\nspares = 1\n",
};

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  mkdirSync(home.state, { recursive: true });
  writeFileSync(path.join(home.state, "kartad.toml"), "max_processes = 4\n");
  kartad = await home.start();
});
afterAll(() => home.remove());

const status = (): Promise<Status> => home.operator.status();

const processOf = async (sessionId: string) =>
  (await status()).processes.find((held) => held.session_id === sessionId);

/** The states of spares, as they are now. */
const spares = async () =>
  (await status()).processes.filter((held) => held.session_id === null).map(({ state }) => state);

async function metric(name: string): Promise<number> {
  const answer = await fetch(`${kartad.url}/metrics`);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const line = (await answer.text()).split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

describe("a project's spares", () => {
  test("are there before the first session, which takes one at once", async () => {
    const folder = home.project("bot", FOLDER);
    await home.operator.addProject(folder, "bot");
    await eventuallyIs(spares, ["ready"]);
    const spare = (await status()).processes[0];
    expect(spare?.rss_bytes).toBeGreaterThan(50 * 1024 * 1024);

    const { id } = await createSession(kartad.url);
    expect((await send(kartad.url, id, "hello")).text).toBe("ok: hello");
    expect(await processOf(id)).toMatchObject({ id: spare?.id, pid: spare?.pid, state: "bound", turns: 1 });
    await eventuallyIs(spares, ["ready"]); // and another is kept behind it
    expect(await metric('karta_pool_starts_total{kind="warm"}')).toBe(1);
    expect(await metric('karta_time_to_first_token_seconds_count{start="warm"}')).toBe(1);
    expect(await metric('karta_turns_total{status="completed",project="bot"}')).toBe(1);
  });

  test("give a session its process before its first message, when it is asked to be warm", async () => {
    const { id } = await createSession(kartad.url);
    const before = await metric('karta_pool_starts_total{kind="warm"}');
    expect((await request(kartad.url, "POST", `/v1/sessions/${id}/warm`)).status).toBe(202);
    await eventuallyIs(async () => (await processOf(id))?.state, "bound");
    expect(await metric('karta_pool_starts_total{kind="warm"}')).toBe(before + 1);
    const pid = (await processOf(id))?.pid;
    expect((await send(kartad.url, id, "hi")).text).toBe("ok: hi");
    expect((await processOf(id))?.pid).toBe(pid);
    expect(await metric('karta_time_to_first_token_seconds_count{start="live"}')).toBe(1);
  });
});

describe("the operator", () => {
  test("sees every process, and the same page on the socket", async () => {
    const { stdout } = await home.karta(["pool"]);
    expect(stdout).toMatch(/^ID +PID +STATE +PROJECT +SESSION +AGE +MEMORY +TURNS\n/);
    expect(stdout).toMatch(/proc_\w{8} +\d+ +bound +bot +sess_\w{8} .* MiB +1\n/);
    expect(stdout).toContain("of 4 processes: ");
    expect(stdout).toContain("2 warm and 0 cold starts, 0 evictions, 0 crashes");
  });

  test("has a process that holds too much replaced after its turn", async () => {
    await kartad.stop();
    writeFileSync(path.join(home.state, "kartad.toml"), "max_process_mb = 20\n"); // it holds some 170
    kartad = await home.start();
    const { id } = await createSession(kartad.url);
    expect((await send(kartad.url, id, "one")).text).toBe("ok: one");
    await eventuallyIs(() => processOf(id), undefined);
    expect((await send(kartad.url, id, "two")).text).toBe("ok: two");
    expect((await status()).pool).toMatchObject({ crashes: 0, evictions: 0 });
    expect((await status()).pool.oversized).toBeGreaterThanOrEqual(1);
  });
});
