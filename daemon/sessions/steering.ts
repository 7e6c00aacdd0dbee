/** What a client may do to a turn that has not ended: end it, or answer what it asks. */
import { KartaError } from "../../shared/errors.ts";
import type { InputAnswer } from "../../shared/protocol/sessions.ts";
import type { LiveSession } from "./live-session.ts";
import type { SessionRuntime } from "./runtime.ts";
import type { Turn } from "./turn.ts";

/** A session, and what of it is in memory; null while it has no turns. */
export interface Steered {
  readonly id: string;
  readonly live: LiveSession | null;
}

/**
 * Ends a turn, whether it runs or waits.
 * @param turnId null: the running one, or the next
 * @returns the id of the turn that was asked to end
 * @throws KartaError `not_found` for a turn that never was; `no_turn_running` for one that has ended, or when there is none
 */
export async function cancelTurn(
  runtime: SessionRuntime,
  { id, live }: Steered,
  turnId: string | null,
): Promise<string> {
  const turn = live?.turns.find((one) => turnId === null || one.id === turnId);
  if (live && turn) {
    await live.cancel(turn);
    return turn.id;
  }
  if (turnId === null) throw new KartaError("no_turn_running", "no turn runs or waits in this session");
  const ended = await runtime.turns.get(id, turnId);
  if (ended === null) throw new KartaError("not_found", "no such turn in this session");
  throw new KartaError("no_turn_running", "this turn has ended; there is nothing to cancel");
}

/**
 * Answers an approval or a question.
 * @returns the turn, and the seq of the answer's event: what the turn does next comes after it
 * @throws KartaError `not_found`, `input_already_resolved`
 */
export async function answerInput(
  runtime: SessionRuntime,
  { id, live }: Steered,
  requestId: string,
  answer: InputAnswer,
): Promise<{ turn: Turn; resolvedSeq: number }> {
  const turn = live?.turn ?? null;
  const resolvedSeq = (await turn?.approvals.answer(requestId, answer)) ?? null;
  if (turn !== null && resolvedSeq !== null) return { turn, resolvedSeq };
  const resolved = await runtime.events.findResolution(id, requestId);
  if (resolved === null) throw new KartaError("not_found", "no such input in this session");
  throw new KartaError(
    "input_already_resolved",
    `this was answered already: ${resolved.decision}, by ${resolved.by}`,
    { fields: { decision: resolved.decision, by: resolved.by } },
  );
}
