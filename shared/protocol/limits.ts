/** Limits that the spec fixes, or that we chose where it leaves them open. */
export const LIMITS = {
  metadataKeys: 50,
  metadataKeyLength: 128,
  metadataStringLength: 4096,
  textLength: 200_000,
  /** Turns that may wait behind the running one. */
  waitingTurns: 16,
  /** Bytes of a tool result's text. */
  toolResultBytes: 32 * 1024,
  pageSize: 200,
  /** Events in one page of `follow=false`. */
  eventPageSize: 1000,
  /** Participants of one session. */
  participants: 100,
  participantNameLength: 100,
  displayNameLength: 200,
  endUserLength: 200,
  shortestTokenSeconds: 60,
  longestTokenSeconds: 24 * 60 * 60,
  /** After so many bytes a page of messages ends, whatever its `limit`; one message may be larger. */
  messagePageBytes: 4 * 1024 * 1024,
} as const;
