/** What kartad holds: when it idles, with many sessions parked, and after many turns. Resident memory, as the system sees it. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startKartad } from "../karta/bench-kartad.ts";
import { parkSessions } from "../karta/parked-sessions.ts";
import { runLoad } from "../load/run-load.ts";
import type { Finding, Line, Measure, MeasureContext } from "../measure.ts";
import { kartaFiles } from "../project-files.ts";
import { startScriptedKartad } from "../scripted/scripted-kartad.ts";
import { Scope } from "../scope.ts";
import { median } from "../statistics.ts";

const MB = 1024 * 1024;
const PARKED = 50_000;
const SAMPLES = 3;
/** After its start kartad's memory falls for a moment. */
const REST_MS = 2000;
const CONCURRENCY = 50;
const WARM_UP_TURNS = 2000;
const TURNS = 20_000;

export const memory: Measure = {
  name: "memory",
  about: `kartad's resident memory: idle, with ${PARKED} parked sessions, after ${TURNS} turns`,
  run: async (context) => [...(await idleAndParked(context)), await afterTurns(context)],
};

async function idleAndParked({ root, scope, samples, say }: MeasureContext): Promise<Line[]> {
  const [empty, full] = [scope.folder(), scope.folder()];
  await idleRss(root, full); // makes the store
  await parkSessions(path.join(full, "state"), PARKED);
  const idle: number[] = [];
  const parked: number[] = [];
  for (let sample = 0; sample < (samples ?? SAMPLES); sample += 1) {
    idle.push(await idleRss(root, empty));
    parked.push(await idleRss(root, full));
    say(`idle ${idle.at(-1)?.toFixed(0) ?? ""} MB, with sessions ${parked.at(-1)?.toFixed(0) ?? ""} MB`);
  }
  return [
    { ...line("memory: idle", 130, idle), baseline: null, budget: { on: "value", atMost: 130 } },
    {
      ...line(`memory: with ${PARKED} parked sessions`, 25, parked),
      baseline: median(idle),
      samples: { baseline: idle, karta: parked },
    },
  ];
}

/** Starts kartad on the home, looks at its sessions as an operator does, and lets it rest. @returns MB */
async function idleRss(root: string, home: string): Promise<number> {
  const scope = new Scope();
  try {
    const kartad = await startKartad({ root, scope, home });
    if ((await kartad.status()).projects === 0) await kartad.addProject("bench", kartaFiles());
    await (await fetch(`${kartad.url}/v1/sessions?limit=50`)).text();
    await sleep(REST_MS);
    return (await kartad.status()).memory.rss_bytes / MB;
  } finally {
    await scope.end();
  }
}

async function afterTurns({ root, scope, say }: MeasureContext): Promise<Line> {
  const kartad = await startScriptedKartad({ root, scope }, CONCURRENCY + 10);
  const run = async (turns: number): Promise<void> => {
    const { seconds } = await runLoad(scope, {
      url: kartad.url,
      readers: CONCURRENCY,
      turnsOfReader: turns / CONCURRENCY,
      turnsOfSession: 10,
      order: { events: 5, perSecond: 0 },
    });
    say(`${turns} turns, ${(turns / seconds).toFixed(0)} a second`);
  };
  await run(WARM_UP_TURNS);
  await sleep(REST_MS);
  const before = await kartad.figuresAfterCollection();
  await run(TURNS - WARM_UP_TURNS);
  await sleep(REST_MS);
  const uncollected = await kartad.figures();
  const after = await kartad.figuresAfterCollection();
  const heap = (after.heapUsed - before.heapUsed) / MB;
  return {
    ...line(`memory: from turn ${WARM_UP_TURNS} to turn ${TURNS}`, 15, [after.rss / MB]),
    baseline: before.rss / MB,
    samples: { baseline: [before.rss / MB], karta: [after.rss / MB] },
    note: `after a garbage collection on both sides; without the last one ${(uncollected.rss / MB).toFixed(0)} MB; live heap ${heap >= 0 ? "+" : ""}${heap.toFixed(1)} MB`,
  };
}

function line(measure: string, atMost: number, karta: readonly number[]): Finding {
  return {
    measure,
    unit: "MB",
    baseline: null,
    karta: median(karta),
    budget: { on: "added", atMost },
    samples: { baseline: [], karta },
  };
}
