/**
 * Many turns over more sessions than processes, on the real harness, while agents are killed at random.
 * By hand: KARTA_SOAK_TURNS=500 KARTA_SOAK_SESSIONS=40 KARTA_SOAK_PROCESSES=6 [KARTA_SOAK_SEED=n]
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Status } from "../../shared/protocol/control.ts";
import { createSession, request } from "../support/api.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { eventuallyIs, processesWith } from "../support/processes.ts";
import { endsOf, killAgentOf, soak, storedEvents, type SoakOutcome } from "./support/soak.ts";

function setting(name: string, byDefault: number): number {
  const value = process.env[`KARTA_SOAK_${name}`];
  return value === undefined ? byDefault : Number(value);
}

const TURNS = setting("TURNS", 24);
const SESSIONS = setting("SESSIONS", 4);
const PROCESSES = setting("PROCESSES", 2);
const SEED = setting("SEED", Math.floor(Math.random() * 2 ** 32));
const isByHand = process.env.KARTA_SOAK_TURNS !== undefined;

/** Descriptors that may be open more than before: a log that was turned, a socket that is just closing. */
const SPARE_DESCRIPTORS = 3;

/** A line for whoever runs it. */
function say(what: unknown): void {
  process.stderr.write(`${typeof what === "string" ? what : JSON.stringify(what)}\n`);
}

jest.setTimeout(60_000 + TURNS * 5000);

const SCRIPT = `
first_token_ms = 20
tokens_per_second = 100

[default]
text = "You said {{last_user}}; this is what I have to say to that, in not so many words."
`;

describe(`${TURNS} turns of ${SESSIONS} sessions on ${PROCESSES} processes that are killed at random`, () => {
  let home: TestHome;
  let kartad: Kartad;
  let sessions: string[];
  let outcome: SoakOutcome;
  let descriptorsBefore: number;
  let isDone = false;

  beforeAll(async () => {
    home = makeHome();
    mkdirSync(home.state, { recursive: true });
    writeFileSync(path.join(home.state, "kartad.toml"), `max_processes = ${PROCESSES}\n`);
    kartad = await home.start();
    const folder = home.project("bot", {
      "CLAUDE.md": "# Bot\n",
      "offline.toml": SCRIPT,
      "karta.toml": "[pool]\nspares = 1\n",
    });
    await home.operator.addProject(folder, "bot");
  });
  afterAll(async () => {
    if (!isDone) say(`the soak did not hold; again with KARTA_SOAK_SEED=${SEED}`);
    await home.remove();
  });

  const status = (): Promise<Status> => home.operator.status();
  const descriptors = (): number => readdirSync(`/proc/${kartad.pid}/fd`).length;

  const open = (): Promise<void> => eventuallyIs(async () => (await status()).pool.backing_off, []);

  /** Nothing is at work: one spare waits. A session's creation is what brings it. */
  async function settle(): Promise<void> {
    await open();
    const { id } = await createSession(kartad.url);
    await eventuallyIs(
      async () => (await status()).processes.map(({ state, session_id }) => `${state} ${session_id}`),
      ["ready null"],
    );
    await request(kartad.url, "DELETE", `/v1/sessions/${id}`);
  }

  test("every turn ends for its client", async () => {
    await settle();
    descriptorsBefore = descriptors();
    sessions = [];
    for (let n = 0; n < SESSIONS; n += 1) sessions.push((await createSession(kartad.url)).id);
    const startedAt = performance.now();
    outcome = await soak({
      url: kartad.url,
      sessions,
      turns: TURNS,
      clients: PROCESSES + 2,
      seed: SEED,
      killOne: killAgentOf(home.folder),
      open,
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const { pool, memory } = await status();
    if (isByHand) say({ seed: SEED, seconds, ...outcome, pool, memory, descriptors: descriptors() });
    const { seen } = outcome;
    expect(Object.values(seen).reduce((sum, count) => sum + count, 0)).toBe(TURNS);
    const expected = ["completed", "cancelled", "left", "harness_crashed", "harness_unavailable"];
    expect(Object.keys(seen).filter((end) => !expected.includes(end))).toEqual([]);
    expect(seen.completed ?? 0).toBeGreaterThan(TURNS / 4); // the rest may all be killed, stopped or left
    expect(outcome.kills).toBeGreaterThan(0);
  });

  test("every turn has one stored terminal event, and every session's seqs have no gap", async () => {
    await eventuallyIs(async () => (await status()).sessions.running_turns, 0); // those whose client left
    let turns = 0;
    for (const session of sessions) {
      const events = await storedEvents(kartad.url, session);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      for (const [turn, ends] of endsOf(events)) {
        turns += 1;
        expect([turn, ends]).toEqual([turn, [expect.stringMatching(/^(done|error)$/)]]);
      }
    }
    expect(turns).toBe(TURNS);
  });

  test("kartad holds no more descriptors than before, once the sessions are gone", async () => {
    for (const session of sessions)
      expect((await request(kartad.url, "DELETE", `/v1/sessions/${session}`)).status).toBe(204);
    await settle();
    // A lane fills up with spares by itself: each holds its three pipes.
    await eventuallyIs(
      async () =>
        descriptors() - 3 * (await status()).processes.length <= descriptorsBefore + SPARE_DESCRIPTORS,
      true,
    );
    if (isByHand) {
      const { memory } = await status();
      say({ descriptorsBefore, descriptorsAfter: descriptors(), memory });
    }
  });

  test("nothing runs after it has stopped", async () => {
    expect(await kartad.stop()).toMatchObject({ code: 0 });
    expect(processesWith(home.folder)).toEqual([]);
    isDone = true;
  });
});
