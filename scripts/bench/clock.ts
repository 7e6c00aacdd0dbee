/** One clock for every process of the machine. `performance.now()` begins anew in each; the monotonic clock does not. */

/** Milliseconds, with fractions, since a moment that all processes share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Milliseconds since the epoch, with fractions. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
