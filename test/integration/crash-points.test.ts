/**
 * kartad is killed at points of a scenario that writes one of everything, and started again: what its files hold is right
 * at each such instant, and the client that repeats the request that was cut ends where it would have ended. A run dies at
 * every 40th point from a seeded one on; `KARTA_CRASH_SEED` chooses it, and `KARTA_CRASH_POINTS=all` makes 40 runs, which
 * die at each point of the scenario and at most of those of the recoveries.
 */
import { expect, jest, test } from "@jest/globals";
import { CrashScene } from "../support/crash/scene.ts";
import { runScenario } from "../support/crash/scenario.ts";

const EVERY = 40;
const SEED = Number(process.env.KARTA_CRASH_SEED ?? Date.now() % 100_000);
const FIRSTS =
  process.env.KARTA_CRASH_POINTS === "all"
    ? Array.from({ length: EVERY }, (_, place) => place + 1)
    : [(SEED % EVERY) + 1];

jest.setTimeout(180_000);

test.each(FIRSTS)(`killed at point %d and at every ${EVERY}th after it (seed ${SEED})`, async (first) => {
  const scene = new CrashScene({ first, every: EVERY });
  try {
    await runScenario(scene);
  } catch (error) {
    throw new Error(`after dying at:\n${scene.deaths.join("\n")}`, { cause: error });
  } finally {
    await scene.remove();
  }
  expect(scene.deaths.length).toBeGreaterThan(5);
  if (process.env.KARTA_CRASH_POINTS !== undefined)
    process.stderr.write(scene.deaths.map((at) => `died ${first} ${at}\n`).join(""));
});
