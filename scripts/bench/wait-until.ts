/** Waits for what has no event: another program's state. */
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;

/** @returns whether it came true in time */
export async function waitUntil(
  condition: () => Promise<boolean> | boolean,
  withinMs: number,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** After a sample: what it left (a process that ends, a spare that starts) must not weigh on the next. */
export function settle(): Promise<void> {
  return sleep(200);
}
