/** A browser client of the managed-agents wire: it says something, reads to where the turn stops, and comes back when it is cut off. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { isStop, ManagedAgentsClient } from "../../../../support/managed-agents.ts";
import type { Random } from "../../../../support/random.ts";
import type { ManagedView } from "../ledger.ts";
import { isTrouble, textFor, type Play } from "../play.ts";

const REFUSED = /answered (429|503)/;

function isPassing(error: unknown): boolean {
  return isTrouble(error) || REFUSED.test(String(error));
}

async function untilDone<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await delay(100);
    }
  }
}

/** Reads on to the next stop. Returns at once where nothing is to come. */
async function follow(client: ManagedAgentsClient, view: ManagedView, random: Random): Promise<void> {
  for (;;) {
    const { events, status } = await untilDone(() => client.get(view.session));
    const cursor = view.seen.at(-1)?.seq ?? 0;
    if (status === "idle" && (events.at(-1)?.seq ?? 0) <= cursor) return;
    try {
      for await (const event of client.stream(view.session, cursor)) {
        view.seen.push(event);
        if (
          event.type === "session.status_idle" &&
          event.stop_reason === "requires_action" &&
          random.chance(0.7)
        )
          await client.confirm(view.session, event, random.pick(["allow", "deny"]));
        if (isStop(event)) break;
      }
    } catch (error) {
      if (!isPassing(error) && !(error instanceof Error && /events answered (404|409)/.test(error.message)))
        throw error;
      await delay(50);
    }
  }
}

/** @throws Error that is passing where it is only refused for now */
async function create(client: ManagedAgentsClient): Promise<string> {
  const { status, body } = await client.call("POST", "", {});
  if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
  return z.looseObject({ id: z.string() }).parse(body).id;
}

/** Owner: the load. Goes on until the play is over. */
export async function managedClient({ url, ledger, over, plan }: Play, random: Random): Promise<void> {
  const client = new ManagedAgentsClient(
    `${url}${random.pick(["/v1/projects/scripted", "/local/scripted/v1"])}`,
  );
  const view: ManagedView = { session: await untilDone(() => create(client)), seen: [], snapshot: null };
  ledger.managed.push(view);
  while (!over.aborted) {
    await delay(random.next() * plan.thinkMs);
    const sent = ledger.send("managed");
    const text = textFor({ project: "scripted" }, sent.nonce, random);
    try {
      await client.say(view.session, text);
      sent.told = { kind: "accepted", turnId: null, end: null };
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (error instanceof Error && REFUSED.test(error.message))
        sent.told = { kind: "refused", code: error.message };
    }
    await follow(client, view, random);
  }
}

/** Reads what came last, and what the session says of itself, over a connection that holds. */
export async function readManaged(url: string, views: readonly ManagedView[], random: Random): Promise<void> {
  const client = new ManagedAgentsClient(`${url}/v1/projects/scripted`);
  for (const view of views) {
    await follow(client, view, random);
    view.snapshot = (await client.get(view.session)).events;
  }
}
