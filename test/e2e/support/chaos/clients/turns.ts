/** Clients that send messages over the session API: streamed, unary, and again with the same key. */
import { setTimeout as delay } from "node:timers/promises";
import { KartaClient, isTerminal, type SessionEvent } from "../../../../../shared/client/index.ts";
import { TurnResultSchema } from "../../../../../shared/protocol/turns.ts";
import { markOf, type Told, type ToldEnd } from "../ledger.ts";
import { ask, isTrouble, PATIENT, textFor, type Act, type Answer, type Play, type Slot } from "../play.ts";

function endOf(event: SessionEvent): ToldEnd | null {
  if (event.type === "done") return { status: event.data.status, text: event.data.message.text, code: null };
  if (event.type === "error") return { status: "failed", text: null, code: event.data.code };
  return null;
}

/** Reads a turn to its end over whatever happens; now and then it leaves, cancels, or answers what it is asked. */
export const streamed: Act = async (play, random) => {
  const { ledger, slots, url } = play;
  const slot = random.pick(slots);
  const client = new KartaClient({
    url,
    retry: PATIENT,
    ...(random.chance(0.5) ? { project: slot.project } : {}),
  });
  const sent = ledger.send("stream");
  const view = ledger.view("stream", slot.id, 0, "");
  const [leaves, cancels, answers] = [random.chance(0.1), random.chance(0.1), random.chance(0.6)];
  const message = {
    text: textFor(slot, sent.nonce, random),
    ...(random.chance(0.1) ? { participant_name: random.pick(["ann", "ben", "cy"]) } : {}),
  };
  try {
    const events = client.stream(slot.id, message, {
      onTurn: (turnId) => {
        view.turnId = turnId;
        sent.told = { kind: "accepted", turnId, end: null };
      },
      onConnection: (change) => change === "lost" && ledger.count("reconnect:stream"),
    });
    for await (const event of events) {
      view.marks.push(markOf(event));
      if (isTerminal(event)) {
        view.isWhole = true;
        sent.told = { kind: "accepted", turnId: event.turn_id, end: endOf(event) };
      }
      if (event.type === "text" && leaves) return;
      if (event.type === "text" && cancels && view.marks.length === 1)
        await client.cancel(slot.id).catch(ignored);
      if (event.type === "input_required" && answers) {
        const decision = random.pick(["approve_once", "approve_session", "deny"] as const);
        await client.answerInput(slot.id, event.data.request_id, { decision }).catch(ignored);
      }
    }
  } catch (error) {
    if (!isTrouble(error)) throw error;
  }
};

function ignored(error: unknown): void {
  if (!isTrouble(error)) throw error;
}

/** What a unary send was told. */
export function toldBy(answer: Answer | null): Told {
  if (answer === null) return { kind: "nothing" };
  const { status, body } = answer;
  if (status === 200) {
    const result = TurnResultSchema.parse(body);
    const end =
      result.status === "input_required" ? null : { status: result.status, text: result.text, code: null };
    return { kind: "accepted", turnId: result.turn_id, end };
  }
  const code = String(body.error);
  if (typeof body.turn_id !== "string") return { kind: "refused", code };
  // Its end could not be stored: what it is, the log says when there is room again, or the next start.
  const end = code === "storage_unavailable" ? null : { status: "failed" as const, text: null, code };
  return { kind: "accepted", turnId: body.turn_id, end };
}

function send({ url }: Play, { id }: Pick<Slot, "id">, text: string, key?: string): Promise<Answer | null> {
  const headers = key === undefined ? {} : { "Idempotency-Key": key };
  return ask(url, "POST", `/v1/sessions/${id}/messages`, { text }, headers);
}

/** Sends once and waits for the whole answer. */
export const unary: Act = async (play, random) => {
  const slot = random.pick(play.slots);
  const sent = play.ledger.send("unary");
  sent.told = toldBy(await send(play, slot, textFor(slot, sent.nonce, random)));
};

/** Sends the same with the same key, together and again: it is one turn. */
export const repeated: Act = async (play, random) => {
  const slot = random.pick(play.slots);
  const sent = play.ledger.send("repeat");
  const text = textFor(slot, sent.nonce, random);
  const session = { id: slot.id }; // the slot's may be another after a while, and a key is one session's
  const attempt = async (): Promise<void> => {
    const told = toldBy(await send(play, session, text, sent.nonce));
    if (told.kind !== "accepted" || told.turnId === null) return;
    play.ledger.answered(sent.nonce, told.turnId);
    if (sent.told.kind === "nothing") sent.told = told;
  };
  await Promise.all([attempt(), attempt()]);
  await delay(random.next() * 1000);
  await attempt();
};
