/** A wall clock that is set back an hour, and ahead a year, while kartad runs. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { z } from "zod";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, request, send, storedEvents } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { liveTurn } from "../support/live-turn.ts";
import { eventually } from "../support/processes.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";

jest.setTimeout(60_000);

const HOUR_MS = 60 * 60 * 1000;
const YEAR_MS = 365 * 24 * HOUR_MS;
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
  const clock = path.join(home.folder, "clock");
  kartad = await home.start({ nodeArgs: NODE_ARGS, env: { KARTA_TEST_CLOCK: clock } });
  const folder = home.project("bot", { "CLAUDE.md": "# Bot" });
  const { code, stderr } = await home.karta(["project", "add", folder, "bot"]);
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => home.remove());

/** Sets kartad's clock so far from the true one, and waits until kartad goes by it. */
async function setClock(ms: number): Promise<void> {
  writeFileSync(path.join(home.folder, "clock"), String(ms));
  process.kill(kartad.pid, "SIGUSR2");
  let seen = NaN;
  const look = async (): Promise<void> => {
    const { body } = await request(kartad.url, "POST", "/v1/sessions", {});
    seen = Date.parse(String(body.created_at)) - Date.now();
  };
  do await look();
  while (Math.abs(seen - ms) > HOUR_MS / 2);
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
    const { id } = await createSession(kartad.url, { metadata: { jump } });
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
  const setWithKey = (ms: number) => {
    writeFileSync(path.join(home.folder, "clock"), String(ms));
    process.kill(kartad.pid, "SIGUSR2");
  };
  const lastUse = async (): Promise<number> => {
    const { stdout } = await home.karta(["keys", "list", "--json"]);
    const { data } = z
      .object({ data: z.array(z.object({ last_used_at: z.string().nullable() })) })
      .parse(JSON.parse(stdout));
    return Date.parse(data[0]?.last_used_at ?? "");
  };
  setWithKey(YEAR_MS);
  let answer = await sessions();
  for (; answer.status === 200; answer = await sessions());
  expect(answer.status).toBe(401); // it expired
  expect(Number(answer.headers.get("retry-after") ?? 1)).toBeGreaterThan(0);
  expect((await request(kartad.url, "GET", "/v1/sessions", undefined, bearer(key))).status).toBe(200);
  const ahead = await lastUse();
  expect(ahead).toBeGreaterThan(Date.now() + YEAR_MS / 2);
  setWithKey(0);
  for (answer = await sessions(); answer.status !== 200; answer = await sessions());
  expect((await request(kartad.url, "GET", "/v1/sessions", undefined, bearer(key))).status).toBe(200);
  let noted = NaN;
  void lastUse().then((found) => (noted = found));
  await eventually(() => Math.abs(noted - Date.now()) < HOUR_MS, "the key's use is noted by today's clock");
});
