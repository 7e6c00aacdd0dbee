/** Many streams at once: what the slowest reader waits, and whether anything is lost. */
import { runLoad } from "../load/run-load.ts";
import type { Measure } from "../measure.ts";
import { cpuBetween, startScriptedKartad } from "../scripted/scripted-kartad.ts";

const STREAMS = 300;
const EVENTS_A_SECOND = 20;
const SECONDS = 30;
/** Three hundred people do not begin in the same millisecond; sixty a second is a rush still. */
const RAMP_MS = 5000;

export const streams: Measure = {
  name: "streams",
  about: `${STREAMS} streams of ${EVENTS_A_SECOND} events a second for ${SECONDS} s: delay and losses`,
  run: async ({ root, scope }) => {
    const kartad = await startScriptedKartad({ root, scope }, STREAMS + 10);
    const load = { url: kartad.url, readers: STREAMS, turnsOfReader: 1, turnsOfSession: 1 };
    await runLoad(scope, { ...load, readers: 20, order: { events: 100, perSecond: 100 } }); // warms up
    const before = await kartad.figures();
    const seen = await runLoad(scope, {
      ...load,
      rampMs: RAMP_MS,
      order: { events: EVENTS_A_SECOND * SECONDS, perSecond: EVENTS_A_SECOND },
    });
    const cpu = cpuBetween(before, await kartad.figures());
    const { p50, p99, max } = seen.latency;
    const note =
      `${seen.received} events in ${seen.seconds.toFixed(0)} s; median ${p50.toFixed(1)} ms, longest ${max.toFixed(0)} ms; ` +
      `kartad spent ${(cpu / seen.received).toFixed(0)} µs an event, ${(cpu / 1e4 / seen.seconds).toFixed(0)} % of a core`;
    const lost = seen.expected - seen.received + seen.misplaced;
    return [
      {
        measure: "streams: p99 from the agent to the client",
        unit: "ms",
        baseline: null,
        karta: p99,
        budget: { on: "value", atMost: 50 },
        samples: { baseline: [], karta: [p99] },
        note,
      },
      {
        measure: "streams: events lost or out of order",
        unit: "events",
        baseline: null,
        karta: lost,
        budget: { on: "value", atMost: 0 },
        samples: { baseline: [], karta: [lost] },
      },
    ];
  },
};
