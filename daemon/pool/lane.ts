/**
 * A lane: one set of launch options, the spares kept for it, and how its starts went. Starts that fail one after the
 * other back off: a broken setting must not make kartad spin.
 */
import { setTimeout as delay } from "node:timers/promises";
import { KartaError } from "../../shared/errors.ts";
import type { Harness, LaunchSpec } from "../harness/harness.ts";
import type { ManagedProcess } from "../process/process.ts";

/** What a lane starts, and how many it keeps ready. */
export interface LaneRequest {
  readonly harness: Harness;
  readonly launch: LaunchSpec;
  readonly spares: number;
  /** Processes at once, of this project. */
  readonly maxOfProject: number;
}

/** Spares are kept for a lane that was used within this time. */
const KEPT_MS = 60 * 60 * 1000;
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 60_000;
/** The first two steps of the back-off: a turn can wait so long. */
const SHORT_BACKOFF_MS = 2000;
/** One failure can be chance; from the second on the lane waits. */
const FREE_FAILURES = 1;

export class Lane {
  readonly key: string;
  request: LaneRequest;
  /** Failed starts, and processes that died as spares or in the middle of a turn, since the last turn that went well. */
  failures = 0;
  readonly #dead = new WeakSet<ManagedProcess>();
  #blockedUntil = 0;
  #usedAt: number;

  constructor(key: string, request: LaneRequest, now: number) {
    this.key = key;
    this.request = request;
    this.#usedAt = now;
  }

  used(now: number): void {
    this.#usedAt = now;
  }

  /** How many spares it should have; while it backs off none is started. */
  wantedSpares(now: number): number {
    return now - this.#usedAt < KEPT_MS ? this.request.spares : 0;
  }

  /** It keeps no spares and remembers no failure: a new lane would be the same. */
  get hasNothingToKeep(): boolean {
    return this.request.spares === 0 && this.failures === 0;
  }

  failed(now: number): void {
    this.failures += 1;
    const excess = this.failures - FREE_FAILURES;
    if (excess > 0)
      this.#blockedUntil = now + Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (excess - 1));
  }

  /** A process ended in the middle of a turn: counted once, however many conversations it held. */
  died(process: ManagedProcess, now: number): void {
    if (this.#dead.has(process)) return;
    this.#dead.add(process);
    this.failed(now);
  }

  succeeded(): void {
    this.failures = 0;
    this.#blockedUntil = 0;
  }

  /** Milliseconds until the next start may be tried. */
  blockedMs(now: number): number {
    return Math.max(0, this.#blockedUntil - now);
  }

  /** A short back-off is waited out. @throws KartaError `harness_unavailable` for a long one, or when it has grown */
  async waitUntilOpen(now: () => number, signal: AbortSignal): Promise<void> {
    const ms = this.blockedMs(now());
    if (ms > 0 && ms <= SHORT_BACKOFF_MS)
      await delay(Math.ceil(ms) + 1, undefined, { signal }).catch(() => undefined);
    this.requireOpen(now());
  }

  /** @throws KartaError `harness_unavailable` while the lane backs off */
  requireOpen(now: number): void {
    const waitMs = this.blockedMs(now);
    if (waitMs === 0) return;
    throw new KartaError(
      "harness_unavailable",
      `the agent of ${this.request.launch.project} failed ${this.failures} times in a row; see \`karta logs --project ${this.request.launch.project}\``,
      { retryAfterSeconds: Math.ceil(waitMs / 1000) },
    );
  }
}

/** Keys are in a fixed order: specs are built in one place. */
export function laneKey(launch: LaunchSpec): string {
  return JSON.stringify(launch);
}
