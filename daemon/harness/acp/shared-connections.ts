/**
 * Which conversations share a process: those with equal launch options, where the agent can end one conversation and
 * keep the rest. A process of OpenCode holds 600 MB and takes seconds to start; a further conversation on it takes
 * milliseconds and a few MB.
 */
import type { AgentConnection } from "./connection.ts";

/** Conversations on one process. It works on one thread: more of them would wait for each other. */
export const CONVERSATIONS_A_PROCESS = 16;

/** A conversation's hold on a process. */
export interface Place {
  readonly connection: AgentConnection;
  /** The process takes no further conversations. */
  retire(): void;
  /** No other conversation has a place on the process. */
  isAlone(): boolean;
  /** Gives the place back; with the last one the process ends. Resolves when nothing of it is left. */
  release(): Promise<void>;
}

interface Shared {
  readonly connection: Promise<AgentConnection>;
  /** Gives up an opening that is under way. */
  readonly opening: AbortController;
  users: number;
  isRetired: boolean;
}

/** @param signal the process is no longer wanted; then it rejects when nothing of it is left */
export type OpenConnection = (signal: AbortSignal) => Promise<AgentConnection>;

/** Owner: the harness. Freed place by place. */
export class SharedConnections {
  readonly #byKey = new Map<string, Shared[]>();

  /**
   * A place on a process with these launch options: one that is there, or a new one.
   * @throws what `open` throws; the signal's reason
   */
  async acquire(key: string, open: OpenConnection, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    const found = this.#all(key).find((one) => !one.isRetired && one.users < CONVERSATIONS_A_PROCESS);
    const shared = found ?? this.#open(key, open);
    shared.users += 1; // at once: whoever comes meanwhile sees it
    let released: Promise<void> | null = null;
    const release = (): Promise<void> => (released ??= this.#release(key, shared));
    let connection: AgentConnection;
    try {
      connection = await unlessAborted(shared.connection, signal);
    } catch (error) {
      await release();
      throw error;
    }
    const retire = (): void => void (shared.isRetired = true);
    // Only now the agent has told what it can. One that is closed may be in others' hands for a while: whoever comes must
    // not find it again and again.
    if (connection.traits?.canClose !== true || !connection.isOpen()) retire();
    if (found !== undefined && shared.isRetired) {
      await release();
      return this.acquire(key, open, signal);
    }
    return { connection, release, retire, isAlone: () => shared.users === 1 };
  }

  #all(key: string): Shared[] {
    let all = this.#byKey.get(key);
    if (all === undefined) this.#byKey.set(key, (all = []));
    return all;
  }

  #open(key: string, open: OpenConnection): Shared {
    const opening = new AbortController();
    const shared: Shared = { connection: open(opening.signal), opening, users: 0, isRetired: false };
    this.#all(key).push(shared);
    const retire = (): void => {
      shared.isRetired = true;
      this.#forget(key, shared);
    };
    shared.connection.then((connection) => void connection.process.exited.then(retire), retire); // its users are told
    return shared;
  }

  #forget(key: string, shared: Shared): void {
    const rest = this.#all(key).filter((one) => one !== shared);
    if (rest.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, rest);
  }

  async #release(key: string, shared: Shared): Promise<void> {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.isRetired = true;
    this.#forget(key, shared);
    shared.opening.abort();
    const connection = await shared.connection.catch(() => null);
    await connection?.stop();
  }
}

/** Rejects with the signal's reason as soon as it fires. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const giveUp = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error("given up"));
    signal.addEventListener("abort", giveUp);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}
