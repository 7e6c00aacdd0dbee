/** The first word of a session whose process has gone: a visitor who comes back after lunch. */
import { contender, interleave, type Contender } from "../interleave.ts";
import { firstTokenOf } from "../karta/first-token.ts";
import type { BenchKartad } from "../karta/bench-kartad.ts";
import type { Line, Measure } from "../measure.ts";
import { startFastModel } from "../model/fast-model.ts";
import { freshTurn } from "../sdk/one-turn.ts";
import { startSides, type Sides } from "../sides.ts";
import { median } from "../statistics.ts";
import { settle, waitUntil } from "../wait-until.ts";

const SAMPLES = 15;
const IDLE_SECONDS = 1;
const GONE_MS = 15_000;
const WARM_MS = 15_000;
const AFTER_WARM = "resume: after warm ÷ SDK resume";

export const resume: Measure = {
  name: "resume",
  about: "first token of a session whose process was ended, against the SDK's resume",
  run: async ({ root, samples, scope, say }) => {
    const sides = await startSides({ root, scope }, await startFastModel(scope), {
      idleTimeoutSeconds: IDLE_SECONDS,
    });
    const { kartad, client, plain } = sides;
    const session = await client.create();
    await firstTokenOf(client, session);
    const { threadId } = await freshTurn(plain);

    const karta = contender(async () => {
      await evicted(kartad, session);
      await settle();
      return firstTokenOf(client, session);
    });
    const baseline = contender(async () => {
      await evicted(kartad, session);
      await settle();
      return (await freshTurn(plain, threadId)).ms;
    });
    const warmed = contender(() => afterWarm(sides, session));
    const hasWarm = (await client.warm(session)) !== 404;
    if (!hasWarm) say("this kartad has no route to warm a session");
    await interleave(samples ?? SAMPLES, hasWarm ? [karta, baseline, warmed] : [karta, baseline]);
    const lines: Line[] = [finding("resume: ÷ SDK resume", baseline, karta, 1.1)];
    if (hasWarm) lines.push(finding(AFTER_WARM, baseline, warmed, 0.4));
    else lines.push({ measure: AFTER_WARM, skipped: "POST /v1/sessions/{id}/warm answers 404" });
    return lines;
  },
};

function finding(measure: string, baseline: Contender, karta: Contender, atMost: number): Line {
  return {
    measure,
    unit: "ms",
    baseline: median(baseline.samples),
    karta: median(karta.samples),
    budget: { on: "ratio", atMost },
    samples: { baseline: baseline.samples, karta: karta.samples },
  };
}

/** Asks for a process, waits until it has nothing left to start, and then sends. */
async function afterWarm({ kartad, client }: Sides, session: string): Promise<number> {
  await evicted(kartad, session);
  await settle();
  const status = await client.warm(session);
  if (status !== 202) throw new Error(`warm answered ${status}`);
  const ready = await waitUntil(async () => (await stateOf(kartad, session)) === "bound", WARM_MS);
  if (!ready) throw new Error("the warmed session got no process");
  return firstTokenOf(client, session);
}

async function evicted(kartad: BenchKartad, session: string): Promise<void> {
  const gone = await waitUntil(async () => (await stateOf(kartad, session)) === null, GONE_MS);
  if (!gone) throw new Error("the session's idle process was not ended");
}

/** Null: the session has no process. */
async function stateOf(kartad: BenchKartad, session: string): Promise<string | null> {
  const { processes } = await kartad.status();
  return processes.find(({ session_id }) => session_id === session)?.state ?? null;
}
