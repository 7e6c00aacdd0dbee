/** Answers that were let in by a key or a token, while they go on: ended when it is revoked, feeds also when it expires. */
import type { Request, Response } from "express";
import type { Principal } from "../keys/principal.ts";
import { cutOff } from "./websocket.ts";

/** The longest time that a Node timer can hold; past it a timer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Owner: the public app. Bounded by the connections; freed when the answer is over. */
export class OpenAnswers {
  readonly #cuts = new Map<string, Set<() => void>>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Answers that are held now. */
  get size(): number {
    return [...this.#cuts.values()].reduce((sum, cuts) => sum + cuts.size, 0);
  }

  /**
   * A turn's answer may outlast its credential: what was accepted is answered. A feed would go on for ever, so it ends
   * with it.
   */
  hold(principal: Principal, request: Request, response: Response): void {
    if (principal.kind === "operator" || response.closed || response.destroyed) return;
    const { keyId, expiresAt } = principal;
    const cut = (): void => cutOff(request, response);
    const releases: (() => void)[] = [];
    if (keyId !== null) releases.push(this.#register(keyId, cut));
    if (expiresAt !== null && request.method === "GET") releases.push(this.#at(expiresAt, cut));
    response.once("close", () => {
      for (const release of releases) release();
    });
  }

  /** Ends all that was let in by a key, or by a token that it made. */
  cutOf(keyId: string): void {
    for (const cut of [...(this.#cuts.get(keyId) ?? [])]) cut();
  }

  #register(keyId: string, cut: () => void): () => void {
    const cuts = this.#cuts.get(keyId) ?? new Set();
    this.#cuts.set(keyId, cuts.add(cut));
    return () => {
      cuts.delete(cut);
      if (cuts.size === 0 && this.#cuts.get(keyId) === cuts) this.#cuts.delete(keyId);
    };
  }

  /** Calls back at a time, however far. */
  #at(time: number, callback: () => void): () => void {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const left = time - this.#now();
      timer = setTimeout(
        () => (left > LONGEST_TIMER_MS ? wait() : callback()),
        Math.min(left, LONGEST_TIMER_MS),
      );
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  }
}
