/** A load of turns on a real kartad whose agents are killed at random, and what must hold of its event logs after. */
import { z } from "zod";
import { isTerminal, SessionEventSchema, type SessionEvent } from "../../../shared/events.ts";
import { TurnResultSchema } from "../../../shared/protocol/sessions.ts";
import { frames, openTurn, request } from "../../support/api.ts";
import { processesWith } from "../../support/processes.ts";
import { Random } from "../../support/random.ts";

export interface SoakPlan {
  readonly url: string;
  readonly sessions: readonly string[];
  readonly turns: number;
  /** Clients that send at the same time. */
  readonly clients: number;
  readonly seed: number;
  /** Ends one agent process at random; false when there was none. */
  readonly killOne: (random: Random) => boolean;
  /** Resolves when starts are tried again: what a client does that is told to come back later. */
  readonly open: () => Promise<void>;
}

/** What one client does with one turn, decided before the load begins. */
interface Step {
  readonly session: string;
  readonly how: "unary" | "stream" | "cancel" | "leave";
  readonly kill: "no" | "when_sent" | "at_first_text";
}

export interface SoakOutcome {
  /** How many turns ended how, as the clients saw it: `completed`, `cancelled`, `left`, or an error's code. */
  readonly seen: Readonly<Record<string, number>>;
  readonly kills: number;
}

/** Half of the turns go where the one before went: to a process that is there, or into the session's queue. */
function stepsOf(plan: SoakPlan, random: Random): Step[] {
  let session = random.pick(plan.sessions);
  return Array.from({ length: plan.turns }, (_, place) => {
    if (random.chance(0.5)) session = random.pick(plan.sessions);
    const how = random.pick([
      "unary",
      "unary",
      "stream",
      "stream",
      "stream",
      "stream",
      "cancel",
      "leave",
    ] as const);
    // Every eighth by its place, not by chance: a short load has kills too.
    const kill = place % 8 === 5 ? random.pick(["when_sent", "at_first_text"] as const) : "no";
    return { session, how, kill };
  });
}

/** Sends every turn and waits for its end, a few at a time. */
export async function soak(plan: SoakPlan): Promise<SoakOutcome> {
  const random = new Random(plan.seed);
  const steps = stepsOf(plan, random);
  const seen: Record<string, number> = {};
  let kills = 0;
  const kill = (): void => {
    if (plan.killOne(random)) kills += 1;
  };
  let next = 0;
  const client = async (): Promise<void> => {
    for (let step = steps[next++]; step !== undefined; step = steps[next++]) {
      const end = await runStep(plan.url, step, `turn ${next}`, kill);
      seen[end] = (seen[end] ?? 0) + 1;
      if (end === "harness_unavailable") await plan.open();
    }
  };
  await Promise.all(Array.from({ length: plan.clients }, client));
  return { seen, kills };
}

async function runStep(url: string, step: Step, text: string, kill: () => void): Promise<string> {
  if (step.how === "unary") {
    const answering = request(url, "POST", `/v1/sessions/${step.session}/messages`, { text });
    if (step.kill !== "no") kill();
    const { status, body } = await answering;
    return status === 200 ? TurnResultSchema.parse(body).status : String(body.error);
  }
  const response = await openTurn(url, step.session, text);
  if (response.status !== 200) throw new Error(`a turn was refused: ${await response.text()}`);
  if (step.kill === "when_sent") kill();
  let isFirst = true;
  for await (const { event } of frames(response)) {
    if (event.type === "text" && isFirst) {
      isFirst = false;
      if (step.kill === "at_first_text") kill();
      if (step.how === "leave") return "left";
      if (step.how === "cancel") await request(url, "POST", `/v1/sessions/${step.session}/cancel`);
    }
    if (event.type === "done") return event.data.status;
    if (event.type === "error") return event.data.code;
  }
  return "no_end";
}

/** Ends one of the agents whose environment holds this text. */
export function killAgentOf(home: string): (random: Random) => boolean {
  return (random) => {
    const agents = processesWith(home).filter(({ command }) => /\/claude( |$)/.test(command));
    if (agents.length === 0) return false;
    try {
      process.kill(random.pick(agents).pid, "SIGKILL");
      return true;
    } catch {
      return false; // it has just ended
    }
  };
}

/** Every stored event of a session, in order. */
export async function storedEvents(url: string, session: string): Promise<SessionEvent[]> {
  const all: SessionEvent[] = [];
  for (let after = 0; ;) {
    const { body } = await request(
      url,
      "GET",
      `/v1/sessions/${session}/events?follow=false&limit=500&include=system&after=${after}`,
    );
    const page = z.array(SessionEventSchema).parse(body.data);
    all.push(...page);
    if (page.length === 0) return all;
    after = z.int().parse(body.next_after);
  }
}

/** The turns of these events, each with the types of its terminal events. */
export function endsOf(events: readonly SessionEvent[]): Map<string, string[]> {
  const ends = new Map<string, string[]>();
  for (const event of events) {
    if (event.turn_id === null) continue;
    const own = ends.get(event.turn_id) ?? [];
    if (isTerminal(event)) own.push(event.type);
    ends.set(event.turn_id, own);
  }
  return ends;
}
