/** A wall clock that is set back an hour, and ahead a year, while kartad runs. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { z } from "zod";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { liveTurn } from "../support/live-turn.ts";
import { eventually, eventuallyIs } from "../support/processes.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";

jest.setTimeout(60_000);

const HOUR_MS = 60 * 60 * 1000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const BRIEF = "[runtime]\napproval_timeout_seconds = 1\n[pool]\nspares = 0\nidle_timeout_seconds = 1\n";
const NODE_ARGS = [
  "--disable-warning=ExperimentalWarning",
  `--import=${path.join(packageRoot(), "test/fixtures/scripted-kartad/inject-clock.ts")}`,
];
const StatusSchema = z.object({
  uptime_seconds: z.number(),
  processes: z.array(z.object({ state: z.string(), age_seconds: z.number() })),
});

let home: TestHome;
let kartad: Kartad;
beforeAll(async () => {
  home = makeHome();
  kartad = await startWithClock(home);
  const folder = home.project("bot", { "CLAUDE.md": "# Bot" });
  const { code, stderr } = await home.karta(["project", "add", folder, "bot"]);
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => home.remove());

const clockOf = (of: TestHome): string => path.join(of.folder, "clock");

function startWithClock(of: TestHome): Promise<Kartad> {
  return of.start({ nodeArgs: NODE_ARGS, env: { KARTA_TEST_CLOCK: clockOf(of) } });
}

/** Sets a kartad's clock so far from the true one; resolves once it goes by it. */
async function setClock(
  ms: number,
  of: { home: TestHome; pid: number } = { home, pid: kartad.pid },
): Promise<void> {
  const clock = clockOf(of.home);
  rmSync(`${clock}.seen`, { force: true });
  writeFileSync(clock, String(ms));
  process.kill(of.pid, "SIGUSR2");
  await eventually(() => existsSync(`${clock}.seen`), "kartad goes by the new time");
}

async function status(): Promise<z.infer<typeof StatusSchema>> {
  const { stdout } = await home.karta(["status", "--json"]);
  return StatusSchema.parse(JSON.parse(stdout));
}

const turn = orderText({ events: 3 });

test.each([
  ["set back an hour", -HOUR_MS],
  ["set ahead a year", YEAR_MS],
])(
  "%s: events keep their order, a repeated send finds its turn, running turns and idle processes live on",
  async (_, jump) => {
    await setClock(0);
    const { id } = await createSession(kartad.url, { project: "bot", metadata: { jump } });
    const key = { "Idempotency-Key": `jump ${jump}`.replaceAll(" ", "-") };
    const route = `/v1/sessions/${id}/messages`;
    await send(kartad.url, id, turn);
    const running = await liveTurn(kartad.url, id, orderText({ events: 1, end: "hangs" }));
    await running.until("text");
    await setClock(jump);
    // A turn's limit is ten minutes: by the wall clock it is a year over.
    const cancelling = await request(kartad.url, "POST", `/v1/sessions/${id}/cancel`, {});
    expect(cancelling.status).toBe(202);
    expect((await running.rest()).at(-1)?.event).toMatchObject({ data: { status: "cancelled" } });
    const first = await request(kartad.url, "POST", route, { text: turn }, key);
    const again = await request(kartad.url, "POST", route, { text: turn }, key);
    expect([first.status, again.status, again.body.turn_id]).toEqual([200, 200, first.body.turn_id]);
    await setClock(0);
    const back = await request(kartad.url, "POST", route, { text: turn }, key);
    expect(back.body.turn_id).toBe(first.body.turn_id);
    await send(kartad.url, id, turn);
    const events = await storedEvents(kartad.url, id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, place) => place + 1));
    const order = events.flatMap(({ type, turn_id }) => (type === "message" ? turn_id : []));
    const ends = events.flatMap(({ type, turn_id }) => (type === "done" || type === "error" ? turn_id : []));
    expect(ends).toEqual(order);
    expect(order).toHaveLength(4);

    const { uptime_seconds, processes } = await status();
    expect(uptime_seconds).toBeGreaterThan(0);
    expect(uptime_seconds).toBeLessThan(600);
    expect(processes.length).toBeGreaterThan(0); // idle for ten seconds, not for a year
    for (const { age_seconds } of processes) {
      expect(age_seconds).toBeGreaterThanOrEqual(0);
      expect(age_seconds).toBeLessThan(600);
    }
  },
);

test("an approval waits on over a year's jump, and a client may still answer it", async () => {
  await setClock(0);
  const { id } = await createSession(kartad.url, { project: "bot" });
  const asking = await liveTurn(kartad.url, id, orderText({ events: 0, asks: true }));
  const { data } = await asking.until("input_required");
  await setClock(YEAR_MS);
  const route = `/v1/sessions/${id}/inputs/${data.request_id}`;
  expect((await request(kartad.url, "PUT", route, { decision: "approve_once" })).status).toBe(200);
  const rest = (await asking.rest()).map(({ event }) => event);
  expect(rest).toMatchObject([
    { type: "input_resolved", data: { decision: "approve_once", by: "client" } },
    { type: "text", data: { part: { text: "allow" } } },
    { type: "done", data: { status: "completed" } },
  ]);
});

test("set back an hour: an approval's deadline and the end of an idle process are not put off", async () => {
  await setClock(0);
  await home.operator.addProject(
    home.project("brief", { "CLAUDE.md": "# Brief", "karta.toml": BRIEF }),
    "brief",
  );
  const { id } = await createSession(kartad.url, { project: "brief" });
  const asking = await liveTurn(kartad.url, id, orderText({ events: 0, asks: true }));
  await asking.until("input_required");
  await setClock(-HOUR_MS);
  expect(await asking.until("input_resolved")).toMatchObject({ data: { decision: "deny", by: "deadline" } });
  expect((await asking.rest()).at(-1)?.event).toMatchObject({ data: { status: "completed" } });
  const processesOfIt = async () =>
    (await home.operator.status()).processes.filter(({ session_id }) => session_id === id).length;
  await eventuallyIs(processesOfIt, 0);
});

test("who sent too many requests is not let in by a jump ahead, nor kept out by one back", async () => {
  const strict = makeHome();
  try {
    mkdirSync(strict.state, { mode: 0o700 });
    writeFileSync(path.join(strict.state, "kartad.toml"), "[limits]\nrequests_per_second = 0.1\n");
    const { url, pid } = await startWithClock(strict);
    const look = () => request(url, "GET", "/v1/sessions");
    while ((await look()).status !== 429);
    for (const jump of [YEAR_MS, -HOUR_MS]) {
      await setClock(jump, { home: strict, pid });
      const refused = await look();
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(10);
    }
  } finally {
    await strict.remove();
  }
});

test("a token's time is the wall clock's; a key's use is noted though its last lies ahead; nobody is asked to wait a negative time", async () => {
  await setClock(0);
  const made = await home.karta(["keys", "create", "ci", "--scope", "admin", "--json"]);
  const { key } = z.object({ key: z.string() }).parse(JSON.parse(made.stdout));
  const bearer = (credential: string) => ({ Authorization: `Bearer ${credential}` });
  const route = "/v1/projects/bot/session_tokens";
  const issued = await request(kartad.url, "POST", route, { sub: "ada" }, bearer(key));
  const token = String(issued.body.token);
  const sessions = () => request(kartad.url, "GET", "/v1/projects/bot/sessions", undefined, bearer(token));
  expect((await sessions()).status).toBe(200);
  const lastUse = async (): Promise<number> => {
    const { stdout } = await home.karta(["keys", "list", "--json"]);
    const { data } = z
      .object({ data: z.array(z.object({ last_used_at: z.string().nullable() })) })
      .parse(JSON.parse(stdout));
    return Date.parse(data[0]?.last_used_at ?? "");
  };
  await setClock(YEAR_MS);
  const answer = await sessions();
  expect(answer.status).toBe(401); // it expired
  expect(Number(answer.headers.get("retry-after") ?? 1)).toBeGreaterThan(0);
  expect((await request(kartad.url, "GET", "/v1/sessions", undefined, bearer(key))).status).toBe(200);
  const ahead = await lastUse();
  expect(ahead).toBeGreaterThan(Date.now() + YEAR_MS / 2);
  await setClock(0);
  expect((await sessions()).status).toBe(200);
  expect((await request(kartad.url, "GET", "/v1/sessions", undefined, bearer(key))).status).toBe(200);
  let noted = NaN;
  void lastUse().then((found) => (noted = found));
  await eventually(() => Math.abs(noted - Date.now()) < HOUR_MS, "the key's use is noted by today's clock");
});
