/** Headers of the adapters' requests and answers. */

/**
 * On every answer that ran a turn: its session, for the session API (approvals, events, cancel). On a request, where an
 * adapter takes it: the session to go on with.
 */
export const SESSION_HEADER = "X-Karta-Session";
