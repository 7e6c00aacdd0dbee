/** What every client of a chaos run has: where to send, what to write down, and the sessions that there are. */
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { ConnectionError, KartaClient, KartaError } from "../../../../shared/client/index.ts";
import { orderText } from "../../../fixtures/scripted-kartad/order.ts";
import { request } from "../../../support/api.ts";
import type { Random } from "../../../support/random.ts";
import type { Ledger } from "./ledger.ts";
import type { ChaosPlan } from "./plan.ts";
import type { Project, Scene } from "./scene.ts";

/** On a busy machine kartad may be away for longer than an ordinary client waits. */
export const PATIENT = { giveUpAfterMs: 600_000 } as const;

/** One of the run's sessions. It is replaced when it is deleted. */
export interface Slot {
  readonly project: Project;
  id: string;
  /** It lives to the end: somebody watches it. */
  isKept: boolean;
  /** Somebody changes its metadata, or did so and never heard how it went. */
  isPatched: boolean;
}

export interface Play {
  readonly plan: ChaosPlan;
  readonly scene: Scene;
  readonly ledger: Ledger;
  readonly slots: Slot[];
  /** Over the cutting proxy; it stays the same over restarts. */
  readonly url: string;
  readonly client: KartaClient;
  /** Aborted when nothing new is to begin. */
  readonly over: AbortSignal;
}

/** What a client does once. Never rejects for what trouble does to it. */
export type Act = (play: Play, random: Random) => Promise<void>;

const ENDS = ["completed", "completed", "completed", "completed", "completed", "failed", "hangs"] as const;

export function textFor({ project }: Pick<Slot, "project">, nonce: string, random: Random): string {
  if (project !== "scripted") return `turn ${nonce}, please`;
  const order = {
    events: Math.floor(random.next() ** 3 * 60),
    length: random.pick([1, 10, 10, 300]),
    atOnce: random.pick([1, 1, 5]),
    pauseMs: random.pick([0, 0, 5, 20, 60]),
    system: random.pick([0, 0, 0, 1]),
    asks: random.chance(0.08),
    end: random.pick(ENDS),
  };
  return orderText({ ...order, ...{ note: nonce } });
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** One request. Null: the connection broke before its answer was whole. */
export async function ask(
  url: string,
  method: string,
  route: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<Answer | null> {
  try {
    return await request(url, method, route, body, headers);
  } catch (error) {
    if (isLost(error)) return null;
    throw error;
  }
}

/** Asks until there is an answer that is not for later. The request must be safe to repeat. */
export async function askUntilAnswered(
  url: string,
  method: string,
  route: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<Answer> {
  for (let attempts = 0; ; attempts += 1) {
    const answer = await ask(url, method, route, body, headers);
    if (answer !== null && answer.status !== 503 && answer.status !== 429) return answer;
    if (attempts > 1800) throw new Error(`${method} ${route} was never answered: ${JSON.stringify(answer)}`);
    await delay(100);
  }
}

/** A connection that broke, as fetch tells of it. In words: its errors are of another realm than jest's. */
function isLost(error: unknown): boolean {
  return /^TypeError: (fetch failed|terminated)/.test(String(error));
}

/** What trouble does to an honest client. Everything else is a finding. */
export function isTrouble(error: unknown): boolean {
  if (isLost(error) || error instanceof ConnectionError || error instanceof OpenAI.APIConnectionError)
    return true;
  if (error instanceof KartaError) return error.code !== "internal";
  return error instanceof OpenAI.APIError && error.status !== 500;
}
