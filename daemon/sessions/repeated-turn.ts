/** A message that is sent again with its key finds the turn that its first sending made. */
import { KartaError } from "../../shared/errors.ts";
import { IDEMPOTENCY_MS, requireSameBody, type Idempotency } from "./idempotency.ts";
import type { LiveSession } from "./live-session.ts";
import type { SessionRuntime } from "./runtime.ts";
import type { Turn } from "./turn.ts";

/** A message that was accepted: now, or by an earlier request that this one repeats. */
export type AcceptedTurn =
  | { readonly kind: "live"; readonly turn: Turn }
  /** It has ended: what it said is in the log, after its `message` event. */
  | { readonly kind: "ended"; readonly id: string; readonly agent: string; readonly acceptedSeq: number };

/**
 * The turn that this key was sent with before; null for a key that is new.
 * @throws KartaError `idempotency_mismatch`, `storage_unavailable` for a turn whose end nobody will see
 */
export async function findRepeatedTurn(
  runtime: SessionRuntime,
  session: LiveSession,
  given: Idempotency,
): Promise<AcceptedTurn | null> {
  const since = runtime.now() - IDEMPOTENCY_MS;
  const stored = () => runtime.turns.findByKey(session.record.id, given.key, since);
  const row = session.findByKey(given.key) ? null : await stored();
  // Looked for again: one may have come while the store was read.
  const live = session.findByKey(given.key);
  if (live?.input.idempotency) {
    requireSameBody(live.input.idempotency, given);
    await live.accepted.promise;
    return { kind: "live", turn: live };
  }
  if (row === null) return null;
  requireSameBody({ key: given.key, bodyHash: row.idempotency_hash ?? "" }, given);
  // It may have ended while the store was read. A row that still has no end is one whose end could not be stored.
  if (row.ended_at === null && (await stored())?.ended_at === null) throw endNotStored(row.id);
  const acceptedSeq = await runtime.events.firstSeqOf(session.record.id, row.id);
  return { kind: "ended", id: row.id, agent: row.agent, acceptedSeq };
}

function endNotStored(turnId: string): KartaError {
  return new KartaError(
    "storage_unavailable",
    "this message's turn has ended, but its end could not be stored; see `karta logs`",
    { retryAfterSeconds: 5, fields: { turn_id: turnId } },
  );
}
