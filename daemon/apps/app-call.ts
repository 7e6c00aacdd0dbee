/** One thing asked of an app's code, from the asking to its one outcome. */
import type { WorkerMethod, WorkerParams } from "./worker-protocol.ts";

/** What came of it. Each but `answered` says that nothing came. */
export type CallOutcome<T> =
  | { readonly kind: "answered"; readonly value: T }
  /** The app's code threw, or gave back what it may not. `message`: in its own words. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "timed_out" }
  /** Nobody wants the answer any more. */
  | { readonly kind: "cancelled" }
  /** There is no worker, or it ended meanwhile. `detail` is for people. */
  | { readonly kind: "lost"; readonly detail: string };

/** Calls that are bounded apart, so that slow ones of a kind hold up no others. */
export type CallKind = Exclude<WorkerMethod, "load" | "cancel">;

export interface AppCallOptions<M extends CallKind> {
  readonly method: M;
  readonly params: WorkerParams[M];
  /** From the asking, waiting for a place included. Milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Owner: who asked. It settles once, at its deadline at the latest. */
export class AppCall {
  readonly method: CallKind;
  readonly params: WorkerParams[CallKind];
  /** Never rejects. */
  readonly outcome: Promise<CallOutcome<unknown>>;
  /** Told when the deadline or the asker ended it, by whoever holds it then: the queue or a worker. */
  onGivenUp: () => void = () => undefined;
  #settle: (outcome: CallOutcome<unknown>) => void = () => undefined;
  #isSettled = false;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  readonly #cancel = (): void => this.#giveUp({ kind: "cancelled" });

  constructor({ method, params, timeoutMs, signal }: AppCallOptions<CallKind>) {
    this.method = method;
    this.params = params;
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    this.#timer = setTimeout(() => this.#giveUp({ kind: "timed_out" }), timeoutMs);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#cancel);
    if (signal?.aborted) this.#cancel();
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The first outcome is the one. */
  settle(outcome: CallOutcome<unknown>): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#cancel);
    this.#settle(outcome);
  }

  #giveUp(outcome: CallOutcome<unknown>): void {
    this.settle(outcome);
    this.onGivenUp();
  }
}
