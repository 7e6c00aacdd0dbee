/** How long an app's code may take, and what becomes of a worker that takes longer. Milliseconds where not said otherwise. */
export interface AppLimits {
  /** A message's policies, all together, waiting for a worker included. */
  readonly admitMs: number;
  /** One hook for one event. */
  readonly hookMs: number;
  /** The import; the check of the entry point has the same. */
  readonly loadMs: number;
  /** What calls that run get when their app is read anew or removed, or kartad stops. */
  readonly drainMs: number;
  /** A worker answers a `cancel` at once, whatever the app does; on a busy machine "at once" may take a moment. */
  readonly cancelAnswerMs: number;
  /** Code that heeds a cancel is over by then. */
  readonly cancelHeedMs: number;
  /** Calls that go on past their deadline, each a thread or a promise that holds what it holds: then another worker. */
  readonly maxOverdue: number;
  /** A first death can be chance; from the second in a row on the next start waits, twice as long each time. */
  readonly firstBackoffMs: number;
  readonly longestBackoffMs: number;
  /** A child that lived this long was no failed start, whatever ended it. */
  readonly provenMs: number;
  /** How often it is looked at what the worker's process group holds. */
  readonly memoryEveryMs: number;
}

export const APP_LIMITS: AppLimits = {
  admitMs: 5000,
  hookMs: 10_000,
  loadMs: 20_000,
  drainMs: 5000,
  cancelAnswerMs: 2000,
  cancelHeedMs: 1000,
  maxOverdue: 8,
  firstBackoffMs: 1000,
  longestBackoffMs: 60_000,
  provenMs: 60_000,
  memoryEveryMs: 30_000,
};
