/** How kartad ends a WebSocket of events or log lines: the close code, and its word as the close's reason. */
export const FEED_END = {
  /** kartad stops; come back with the cursor when it is up again. */
  shutting_down: 1001,
  /** The client sent a message: these feeds go one way. */
  takes_no_messages: 1003,
  /** What it shows could not be read; come back with the cursor. */
  internal: 1011,
  /** The reader fell too far behind; come back with the cursor. */
  slow_consumer: 1013,
  /** The credential that it was opened with was revoked, or has expired. */
  unauthorized: 4401,
  /** What came next for this reader is no longer kept. Coming back with the cursor is answered 410, with `oldest_seq`. */
  cursor_expired: 4410,
} as const;
export type FeedEnd = keyof typeof FEED_END;
