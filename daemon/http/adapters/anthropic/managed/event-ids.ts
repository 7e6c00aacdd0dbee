/** How a managed session's events are named: after their place in the log, so that a stream and the list agree. */

/** An id without its prefix. */
function randomOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}

/** The event that the log's event `seq` became, or the first piece of which it was. */
export function eventIdAt(sessionId: string, seq: number): string {
  return `sevt_${randomOf(sessionId)}_${seq}`;
}

/** What ended a turn before its time: it has no event of its own in the log. */
export function interruptIdOf(sessionId: string, turnId: string): string {
  return `sevt_${randomOf(sessionId)}_${randomOf(turnId)}_interrupt`;
}

/** What was told with the message at `seq`. */
export function systemIdAt(sessionId: string, seq: number): string {
  return `${eventIdAt(sessionId, seq)}_system`;
}

/** Of a session that is archived or deleted: the log does not say so. */
export function endIdOf(sessionId: string): string {
  return `sevt_${randomOf(sessionId)}_end`;
}
