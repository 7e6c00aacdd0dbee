/** When to try again after a failure, how long to wait, and when to stop: one failing request, or one feed that broke. */
import { KartaError, type ErrorCode } from "../errors.ts";
import { ConnectionError, UnreadableAnswerError } from "./errors.ts";

export interface RetryOptions {
  /** The longest first wait, in milliseconds; each further one may be twice as long. Every wait is drawn at random below its bound. */
  readonly firstWaitMs?: number;
  /** The longest wait there is, unless Karta's `Retry-After` asks for more. */
  readonly longestWaitMs?: number;
  /** How long nothing but failures may go on. A drain takes kartad up to 30 s, a start about one. */
  readonly giveUpAfterMs?: number;
  /**
   * How long an open connection may bring nothing before it is taken for broken: the other end is gone and nobody said
   * so (a laptop that slept). Karta pings every 15 s.
   */
  readonly silenceMs?: number;
}

export const RETRY_DEFAULTS: Required<RetryOptions> = {
  firstWaitMs: 100,
  longestWaitMs: 5_000,
  giveUpAfterMs: 60_000,
  silenceMs: 50_000,
};

/** What Karta answers to a request that it has not taken. */
const PASSING_CODES: ReadonlySet<ErrorCode> = new Set([
  "shutting_down",
  "storage_unavailable",
  "rate_limited",
  "queue_full",
]);

/** What a proxy in front of a Karta that is away answers by itself. */
const GATEWAY_STATUS: ReadonlySet<number> = new Set([502, 503, 504]);

/** Owner: one call or one iterator. Holds a timer while it waits. */
export class Persistence {
  readonly #options: Required<RetryOptions>;
  readonly #signal: AbortSignal | undefined;
  /** False until a request may have been taken. Before that nothing is retried: the caller is told at once. */
  #mayBeTaken = false;
  #failures = 0;
  #failingSince: number | null = null;
  #attemptSince = performance.now();

  constructor(options: RetryOptions = {}, signal?: AbortSignal) {
    this.#options = { ...RETRY_DEFAULTS, ...options };
    this.#signal = signal;
  }

  /** Karta has taken the request. */
  taken(): void {
    this.#mayBeTaken = true;
  }

  /** Something new has arrived: what failed before no longer counts. */
  progressed(): void {
    this.#failures = 0;
    this.#failingSince = null;
  }

  /**
   * Waits until it is time for the next attempt.
   * @throws the error itself where no further attempt is of use; the signal's reason
   */
  async recover(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    if (error instanceof ConnectionError && error.failure === "broken") this.#mayBeTaken = true;
    if (!this.#mayBeTaken || !isPassing(error)) throw error;
    const now = performance.now();
    // An attempt that held for long (a unary turn, say) was no failure to reach Karta.
    if (now - this.#attemptSince > this.#options.giveUpAfterMs) this.progressed();
    this.#failingSince ??= now;
    const left = this.#options.giveUpAfterMs - (now - this.#failingSince);
    if (left <= 0) throw error;
    await sleep(Math.min(left, this.#wait(error)), this.#signal);
    this.#attemptSince = performance.now();
  }

  #wait(error: unknown): number {
    const { firstWaitMs, longestWaitMs } = this.#options;
    const bound = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures);
    this.#failures += 1;
    // Full jitter: the clients of a Karta that restarts must not all come back at the same moment.
    const wait = Math.random() * bound;
    const asked = error instanceof KartaError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    return Math.max(wait, asked);
  }
}

/** Runs `attempt` until it succeeds, or until there is no use in another one. It must be safe to repeat. */
export async function retried<Result>(
  attempt: () => Promise<Result>,
  options: RetryOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const persistence = new Persistence(options, signal);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await persistence.recover(error);
    }
  }
}

/** True for what a Karta that stops, starts or is busy does to a request that it has not looked at yet. */
function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (error instanceof UnreadableAnswerError) return GATEWAY_STATUS.has(error.status);
  return error instanceof KartaError && PASSING_CODES.has(error.code);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = () => {
      signal?.removeEventListener("abort", wake);
      clearTimeout(timer);
      if (signal?.aborted === true) reject(reasonOf(signal));
      else resolve();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", wake, { once: true });
  });
}

/** Why the caller ended it, as an error. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
