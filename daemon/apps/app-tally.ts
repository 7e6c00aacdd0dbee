/** What a project's calls came to, and what went wrong last. */
import type { CallKind, CallOutcome } from "./app-call.ts";

type Ended = CallOutcome<unknown>["kind"];

const none = (): Record<Ended, number> => ({ answered: 0, failed: 0, timed_out: 0, cancelled: 0, lost: 0 });

/** Owner: `Apps`, for as long as the project is registered: over workers that die and folders that are read anew. */
export class AppTally {
  readonly calls: Readonly<Record<CallKind, Record<Ended, number>>> = {
    admit: none(),
    event: none(),
    tool: none(),
  };
  readonly #now: () => number;
  #restarts = 0;
  #lastError: { readonly at: number; readonly detail: string } | null = null;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get lastError(): { readonly at: number; readonly detail: string } | null {
    return this.#lastError;
  }

  ended(kind: CallKind, how: Ended): void {
    this.calls[kind][how] += 1;
  }

  restarted(): void {
    this.#restarts += 1;
  }

  /** @param detail for people, without the app's secrets */
  failed(detail: string): void {
    this.#lastError = { at: this.#now(), detail: detail.slice(0, 2000) };
  }
}
