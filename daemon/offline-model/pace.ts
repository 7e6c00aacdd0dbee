/** Delivers pieces at a pace. */
import { setTimeout as wait } from "node:timers/promises";
import type { Pace } from "./script.ts";

/**
 * Yields each piece when it is due. Every time is reckoned from the start, so late timers do not add up.
 * @param startedAt `performance.now()` of the request's arrival
 * @throws the signal's AbortError when it fires; its timer is then gone
 */
export async function* atPace<T>(
  pieces: Iterable<T>,
  pace: Pace,
  startedAt: number,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const interval = pace.tokensPerSecond === 0 ? 0 : 1000 / pace.tokensPerSecond;
  let place = 0;
  for (const piece of pieces) {
    await waitUntil(startedAt + pace.firstTokenMs + place * interval, signal);
    yield piece;
    place += 1;
  }
}

/** Timers overflow at 2^31 ms; a pace of one token a year is still a pace. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @param due as `performance.now()` counts */
export async function waitUntil(due: number, signal: AbortSignal): Promise<void> {
  for (let left = due - performance.now(); left > 0; left = due - performance.now()) {
    await wait(Math.min(Math.ceil(left), LONGEST_TIMER_MS), undefined, { signal });
  }
  signal.throwIfAborted();
}
