/** What is done to a kartad under load: a few kinds of trouble at a time, each in its own rhythm, drawn from a seed. */
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../../support/random.ts";
import { familyOf, isGuard, type Member } from "./family.ts";
import type { Ledger } from "./ledger.ts";
import type { ChaosPlan } from "./plan.ts";
import type { Scene } from "./scene.ts";

/** In this last part of a run kartad lives: what it holds open at its end is what a life of that length leaves. */
const LAST_LIFE = 0.25;

export interface FaultOptions {
  readonly plan: ChaosPlan;
  readonly scene: Scene;
  readonly ledger: Ledger;
}

/** Sends a signal. @returns false: it was gone already */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

async function pause(pid: number, ms: number): Promise<boolean> {
  if (!signal(pid, "SIGSTOP")) return false;
  await delay(ms);
  return signal(pid, "SIGCONT");
}

/** Makes trouble until the run's time is over; what was paused goes on then, and the disk has room. */
export async function makeTrouble({ plan, scene, ledger }: FaultOptions): Promise<void> {
  const startedAt = performance.now();
  const passed = (): number => (performance.now() - startedAt) / 1000 / plan.seconds;
  let rhythms = 0;
  /** Does it again and again, up to a part of the run, with a pause before each. Seconds, of the short form. */
  const again = async (
    [least, most]: readonly [number, number],
    until: number,
    fault: (random: Random) => Promise<string | null>,
  ): Promise<void> => {
    rhythms += 1;
    const random = new Random(plan.seed + rhythms);
    for (;;) {
      const seconds = (least + random.next() * (most - least)) * plan.calm;
      if (passed() + seconds / plan.seconds >= until) return;
      await delay(seconds * 1000);
      const kind = await fault(random);
      if (kind !== null) ledger.count(`fault:${kind}`);
    }
  };
  const { kartad, disk, proxy } = scene;
  const child = (random: Random, isWanted: (member: Member) => boolean): number | null => {
    const family = kartad.pid === null ? [] : familyOf(kartad.pid).filter(isWanted);
    return family.length === 0 ? null : random.pick(family).pid;
  };
  await Promise.all([
    again([1.5, 4], 1 - LAST_LIFE, async (random) => {
      const draw = random.next();
      if (draw < 0.5) {
        await kartad.crash();
        return "SIGKILL kartad";
      }
      if (draw < 0.75) {
        await kartad.drain();
        return "SIGTERM kartad";
      }
      const { pid } = kartad;
      return pid !== null && (await pause(pid, 100 + random.next() * 900)) ? "SIGSTOP kartad" : null;
    }),
    again([0.3, 1], 1, async (random) => {
      const draw = random.next();
      if (draw < 0.1) {
        const guard = child(random, isGuard);
        return guard !== null && signal(guard, "SIGKILL") ? "SIGKILL the guard" : null;
      }
      const pid = child(random, (member) => !isGuard(member));
      if (pid === null) return null;
      if (draw < 0.8) return signal(pid, "SIGKILL") ? "SIGKILL a child" : null;
      return (await pause(pid, 100 + random.next() * 900)) ? "SIGSTOP a child" : null;
    }),
    again([1.5, 3], 1, async (random) => {
      if (disk === null) return null;
      if (kartad.pid === null && random.chance(0.8)) return null; // on a slow machine it would never come back
      disk.fill();
      await delay((0.2 + random.next() * 1.2) * 1000);
      disk.free();
      return "disk full";
    }),
    again([0.1, 0.5], 1, (random) => {
      proxy.cutOpen(() => (random.chance(0.3) ? Math.floor(random.next() * 600) : null));
      return Promise.resolve(null); // counted by the proxy, when they break
    }),
  ]);
  await kartad.ready();
}
