/** One agent process and where it is in its life. */
import type { Logger } from "pino";
import type { Id } from "../../shared/ids.ts";
import { newId } from "../../shared/ids.ts";
import type { AgentProcess } from "../harness/harness.ts";

/**
 * - `starting`: spawned, or about to be; cannot take a turn yet
 * - `bound`: holds a session's conversation and waits for its next turn
 * - `busy`: runs a turn
 * - `stopping`: asked to end
 * - `exited`: nothing of it is left
 */
export type ProcessState = "starting" | "bound" | "busy" | "stopping" | "exited";

const MOVES: Readonly<Record<ProcessState, readonly ProcessState[]>> = {
  starting: ["bound", "stopping", "exited"],
  bound: ["busy", "stopping", "exited"],
  busy: ["bound", "stopping", "exited"],
  stopping: ["exited"],
  exited: [],
};

export interface PooledProcessOptions {
  readonly project: string;
  readonly sessionId: string;
  /** Equal lanes have equal launch options. */
  readonly lane: string;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Owner: the pool. */
export class PooledProcess {
  readonly id: Id<"proc"> = newId("proc");
  readonly project: string;
  readonly sessionId: string;
  readonly lane: string;
  readonly startedAt: number;
  /** When it last became `bound`; the oldest goes first under pressure. */
  lastUsedAt: number;
  turns = 0;
  agent: AgentProcess | null = null;
  /** Settles when the start has succeeded or failed. Never rejects. */
  started: Promise<void> = Promise.resolve();
  /** Gives up a start that is under way. */
  readonly startup = new AbortController();
  /** Ends an idle process; set while `bound`. */
  idleTimer: NodeJS.Timeout | null = null;
  readonly #now: () => number;
  readonly #log: Logger;
  #state: ProcessState = "starting";

  constructor(options: PooledProcessOptions) {
    this.project = options.project;
    this.sessionId = options.sessionId;
    this.lane = options.lane;
    this.#now = options.now;
    this.startedAt = this.lastUsedAt = options.now();
    this.#log = options.logger.child({ process: this.id, session: options.sessionId });
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** @throws Error on a move that the table above does not have */
  move(to: ProcessState): void {
    if (!MOVES[this.#state].includes(to))
      throw new Error(`an agent process cannot go from ${this.#state} to ${to}`);
    this.#log.debug({ from: this.#state, to }, "agent process");
    this.#state = to;
    if (this.idleTimer !== null) {
      clearTimeout(this.idleTimer);
      this.idleTimer = null;
    }
    if (to === "bound") this.lastUsedAt = this.#now();
    if (to === "busy") this.turns += 1;
  }

  get isOver(): boolean {
    return this.#state === "stopping" || this.#state === "exited";
  }
}
