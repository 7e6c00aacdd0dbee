/** What kartad itself spends on an event: read from the agent, stored, and delivered to one reader. */
import { runLoad } from "../load/run-load.ts";
import type { Measure } from "../measure.ts";
import { cpuBetween, startScriptedKartad } from "../scripted/scripted-kartad.ts";
import { median } from "../statistics.ts";

const EVENTS_A_TURN = 2000;
const TURNS_A_SAMPLE = 5;
const SAMPLES = 7;

export const relayCost: Measure = {
  name: "relay-cost",
  about: "kartad's processor time for an event, from the agent's pipe through the store to the stream",
  run: async ({ root, samples, scope }) => {
    const kartad = await startScriptedKartad({ root, scope }, 4);
    const plan = {
      url: kartad.url,
      readers: 1,
      turnsOfReader: TURNS_A_SAMPLE,
      turnsOfSession: TURNS_A_SAMPLE,
      order: { events: EVENTS_A_TURN, perSecond: 0 },
    };
    await runLoad(scope, plan); // compiles the hot paths
    const costs: number[] = [];
    for (let sample = 0; sample < (samples ?? SAMPLES); sample += 1) {
      const before = await kartad.figures();
      const { received } = await runLoad(scope, plan);
      costs.push(cpuBetween(before, await kartad.figures()) / received);
    }
    return [
      {
        measure: "relay-cost: kartad's CPU an event",
        unit: "µs",
        baseline: null,
        karta: median(costs),
        budget: { on: "value", atMost: 60 },
        samples: { baseline: [], karta: costs },
        note: `turns of ${EVENTS_A_TURN} events, as fast as they are read, one reader`,
      },
    ];
  },
};
