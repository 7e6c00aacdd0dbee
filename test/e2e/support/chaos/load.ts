/** The load: clients of every kind over the run's sessions, until its time is over. */
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../../support/random.ts";
import { managedClient } from "./clients/managed.ts";
import { chat, respond } from "./clients/openai.ts";
import { approve, cancel, look, openSession, pages, patch, replace } from "./clients/steering.ts";
import { repeated, streamed, unary } from "./clients/turns.ts";
import { feedWatcher, rawWatcher, type Watcher } from "./clients/watchers.ts";
import { isTrouble, type Act, type Play, type Slot } from "./play.ts";
import type { Project } from "./scene.ts";

/** How often each is done, of each other. */
const ACTS: readonly (readonly [number, Act])[] = [
  [30, streamed],
  [18, unary],
  [10, repeated],
  [8, chat],
  [6, respond],
  [8, cancel],
  [8, approve],
  [8, patch],
  [5, replace],
  [1, pages],
  [4, look],
];
const WEIGHT = ACTS.reduce((sum, [weight]) => sum + weight, 0);

function pickAct(random: Random): Act {
  let left = random.next() * WEIGHT;
  for (const [weight, act] of ACTS) {
    left -= weight;
    if (left < 0) return act;
  }
  return streamed;
}

/** Seconds that what began in time may go on. */
const REST_SECONDS = 120;
const MANAGED_CLIENTS = 4;

/** Makes the run's sessions. */
export async function openSlots(play: Play): Promise<void> {
  const { sessions, realSessions, watchers } = play.plan;
  const projects: Project[] = [
    ...Array.from({ length: realSessions }, () => "claude" as const),
    ...Array.from({ length: realSessions }, () => "acp" as const),
  ];
  while (projects.length < sessions - MANAGED_CLIENTS) projects.push("scripted");
  for (const [place, project] of projects.entries()) {
    const id = await openSession(play, project, `slot-${place}`);
    const slot: Slot = { project, id, isKept: place < watchers, isPatched: false };
    play.slots.push(slot);
  }
}

/** Owner: the run. */
export class Load {
  readonly watchers: Watcher[];
  readonly #play: Play;
  readonly #working: Promise<unknown>[] = [];
  /** What each client is at. */
  readonly #doing = new Map<string, string>();

  constructor(play: Play) {
    this.#play = play;
    const { plan, slots } = play;
    const random = new Random(plan.seed ^ 0x5eed);
    this.watchers = slots
      .filter(({ isKept }) => isKept)
      .map(({ id }, place) => {
        if (place % 3 === 0) return feedWatcher(play, id);
        return rawWatcher(play, id, place % 3 === 1 ? "sse" : "websocket", new Random(plan.seed + place));
      });
    for (let n = 0; n < plan.clients; n += 1)
      this.#begin(`client ${n}`, this.#client(`client ${n}`, new Random(plan.seed + 1000 + n)));
    for (let n = 0; n < MANAGED_CLIENTS; n += 1)
      this.#begin(`managed client ${n}`, managedClient(play, new Random(random.next() * 2 ** 32)));
  }

  /** Resolves when every client has ended what it was at. @throws Error when one hangs */
  async ended(): Promise<void> {
    const all = Promise.all(this.#working).then(() => true);
    if (!(await Promise.race([all, delay(REST_SECONDS * 1000, false, { ref: false })])))
      throw new Error(`after ${REST_SECONDS} s without a fault these go on: ${[...this.#doing].join("; ")}`);
  }

  #begin(name: string, work: Promise<void>): void {
    this.#doing.set(name, "its work");
    const ended = work.catch((error: unknown) => this.#play.ledger.surprise(name, error));
    this.#working.push(ended.then(() => this.#doing.delete(name)));
  }

  async #client(name: string, random: Random): Promise<void> {
    const { over, ledger, plan } = this.#play;
    while (!over.aborted) {
      await delay(random.next() * plan.thinkMs);
      const act = pickAct(random);
      this.#doing.set(name, act.name);
      try {
        await act(this.#play, random);
      } catch (error) {
        if (!isTrouble(error)) ledger.surprise(act.name, error);
      }
    }
  }
}
