/** The first word of a new session: what a visitor waits for who writes the first message. */
import { setTimeout as sleep } from "node:timers/promises";
import { contender, interleave } from "../interleave.ts";
import { firstTokenOfNew } from "../karta/first-token.ts";
import { keepsSpares, spareReady } from "../karta/spares.ts";
import type { Measure } from "../measure.ts";
import { startFastModel } from "../model/fast-model.ts";
import { freshTurn, ReadyProcess } from "../sdk/one-turn.ts";
import { startSides } from "../sides.ts";
import { median } from "../statistics.ts";

const SAMPLES = 15;
/**
 * Claude Code goes on with work of its own after it says that it is ready: in its second second a first token takes the
 * plain SDK 185 ms instead of 145. A process that stands ready for somebody stands for longer, on both sides.
 */
const AFTER_START_MS = 2000;

export const newSession: Measure = {
  name: "new-session-warm",
  about: "first token of a new session, with a spare ready where kartad keeps some",
  run: async ({ root, samples, scope, say }) => {
    const { kartad, client, plain } = await startSides({ root, scope }, await startFastModel(scope), {
      spares: 1,
    });
    const spares = await keepsSpares(kartad);
    if (!spares) say("this kartad keeps no spares");
    const standing = new ReadyProcess(plain, scope);
    /** Whatever starts has started, and has done what it does after that: it must not weigh on a sample of any side. */
    const quiet = async (): Promise<void> => {
      if (spares) await spareReady(kartad);
      await standing.ready();
      await sleep(AFTER_START_MS);
    };
    const karta = contender(async () => {
      await quiet();
      const { sessionId, ms } = await firstTokenOfNew(client);
      await client.delete(sessionId);
      return ms;
    });
    const fresh = contender(async () => {
      await quiet();
      return (await freshTurn(plain)).ms;
    });
    const ready = contender(async () => {
      await quiet();
      return (await standing.turn()).ms;
    });
    await interleave(samples ?? SAMPLES, [karta, fresh, ready]);
    const note = spares
      ? "a spare was ready each time"
      : "kartad keeps no spares: each session starts its process";
    const finding = (against: string, baseline: readonly number[], atMost: number) => ({
      measure: `new-session-warm: ÷ ${against}`,
      unit: "ms" as const,
      baseline: median(baseline),
      karta: median(karta.samples),
      budget: { on: "ratio" as const, atMost },
      samples: { baseline, karta: karta.samples },
      note,
    });
    return [
      finding("SDK fresh query()", fresh.samples, 0.35),
      finding("SDK process that startup() made ready", ready.samples, 1.15),
    ];
  },
};
