/**
 * kartad is killed at points of a scenario that writes one of everything, and started again: what its files hold is right
 * at each such instant, and the client that repeats the request that was cut ends where it would have ended. A run dies at
 * some 140th point and again, chosen by a seed; `KARTA_CRASH_SEED` is another one. `KARTA_CRASH_POINTS=all` makes 80 runs that
 * die at some 40th, with and without an app: another seed makes them die elsewhere.
 */
import { expect, jest, test } from "@jest/globals";
import { CrashScene } from "../support/crash/scene.ts";
import { Random } from "../support/random.ts";
import { runScenario } from "../support/crash/scenario.ts";

/** Points between two deaths, on average. A start passes some 20. */
const EVERY = process.env.KARTA_CRASH_POINTS === "all" ? 40 : 140;
const SEED = Number(process.env.KARTA_CRASH_SEED ?? 8);
const isAll = process.env.KARTA_CRASH_POINTS === "all";
const FIRSTS = isAll ? Array.from({ length: EVERY }, (_, place) => place + 1) : [(SEED % EVERY) + 1];
const HAS_APP = [false, true];

jest.setTimeout(isAll ? 1_200_000 : 300_000);

test.each(HAS_APP.flatMap((hasApp) => FIRSTS.map((first) => [first, hasApp] as const)))(
  `killed at point %d and at every ${EVERY}th or so after it (with an app: %s; seed ${SEED})`,
  async (first, hasApp) => {
    const scene = new CrashScene({ first, every: EVERY, random: new Random(1000 * SEED + first) });
    try {
      await runScenario(scene, hasApp);
    } catch (error) {
      throw new Error(`after dying at:\n${scene.deaths.join("\n")}`, { cause: error });
    } finally {
      await scene.remove();
    }
    if (isAll) process.stderr.write(scene.deaths.map((at) => `died ${at}\n`).join(""));
    expect(scene.deaths.length).toBeGreaterThan(1);
  },
);
