/**
 * kartad is killed at points of a scenario that writes one of everything, and started again: what its files hold is right
 * at each such instant, and the client that repeats the request that was cut ends where it would have ended. A run dies at
 * every 80th point from a seeded one on; `KARTA_CRASH_SEED` chooses it, and `KARTA_CRASH_POINTS=all` makes 80 runs of every 40th, which
 * die at each point of the scenario, with and without an app, and at most of those of the recoveries.
 */
import { expect, jest, test } from "@jest/globals";
import { CrashScene } from "../support/crash/scene.ts";
import { runScenario } from "../support/crash/scenario.ts";

/** A start passes some 20 points: with fewer between two deaths it might never come up. */
const EVERY = process.env.KARTA_CRASH_POINTS === "all" ? 40 : 80;
const SEED = Number(process.env.KARTA_CRASH_SEED ?? 8);
const isAll = process.env.KARTA_CRASH_POINTS === "all";
const FIRSTS = isAll ? Array.from({ length: EVERY }, (_, place) => place + 1) : [(SEED % EVERY) + 1];
const HAS_APP = isAll ? [false, true] : [false];

jest.setTimeout(isAll ? 1_200_000 : 300_000);

test.each(HAS_APP.flatMap((hasApp) => FIRSTS.map((first) => [first, hasApp] as const)))(
  `killed at point %d and at every ${EVERY}th after it (with an app: %s; seed ${SEED})`,
  async (first, hasApp) => {
    const scene = new CrashScene({ first, every: EVERY });
    try {
      await runScenario(scene, hasApp);
    } catch (error) {
      throw new Error(`after dying at:\n${scene.deaths.join("\n")}`, { cause: error });
    } finally {
      await scene.remove();
    }
    if (isAll) process.stderr.write(scene.deaths.map((at) => `died ${at}\n`).join(""));
    expect(scene.deaths.length).toBeGreaterThan(3);
  },
);
