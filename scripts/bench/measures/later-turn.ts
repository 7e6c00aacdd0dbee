/** The first word of a later turn, on a process that is there: every message but the first. */
import { contender, interleave } from "../interleave.ts";
import { firstTokenOf } from "../karta/first-token.ts";
import type { Measure } from "../measure.ts";
import { startFastModel } from "../model/fast-model.ts";
import { LiveQuery } from "../sdk/live-query.ts";
import { startSides } from "../sides.ts";
import { median } from "../statistics.ts";

const SAMPLES = 150;
/** Both programs run their first turns on code that is not compiled yet: 45 ms, then 30 from the fortieth on. */
const WARM_UP = 50;

export const laterTurn: Measure = {
  name: "later-turn",
  about: "first token of a later turn on a live session, against a streaming-input query",
  run: async ({ root, samples, scope }) => {
    const { client, plain } = await startSides({ root, scope }, await startFastModel(scope));
    const session = await client.create();
    const live = new LiveQuery(plain, scope);
    const rounds = samples ?? SAMPLES;
    const karta = contender(() => firstTokenOf(client, session));
    const baseline = contender(() => live.firstToken("say it"));
    await interleave(rounds + WARM_UP, [karta, baseline]);
    const taken = { baseline: baseline.samples.slice(WARM_UP), karta: karta.samples.slice(WARM_UP) };
    return [
      {
        measure: "later-turn: ÷ SDK streaming input",
        unit: "ms",
        baseline: median(taken.baseline),
        karta: median(taken.karta),
        budget: { on: "ratio", atMost: 1.1 },
        samples: taken,
      },
    ];
  },
};
