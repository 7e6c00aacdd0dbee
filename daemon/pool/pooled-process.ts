/** One agent process and where it is in its life. */
import type { Logger } from "pino";
import type { Id } from "../../shared/ids.ts";
import { newId } from "../../shared/ids.ts";
import { contextOfSession, withLogContext } from "../log/context.ts";
import type { AgentProcess } from "../harness/harness.ts";

/**
 * - `starting`: spawned, or about to be; cannot take a turn yet
 * - `ready`: a spare: it could take a turn, and belongs to no session yet
 * - `bound`: holds a session's conversation and waits for its next turn
 * - `busy`: runs a turn
 * - `stopping`: asked to end
 * - `exited`: nothing of it is left
 */
export type ProcessState = "starting" | "ready" | "bound" | "busy" | "stopping" | "exited";

const MOVES: Readonly<Record<ProcessState, readonly ProcessState[]>> = {
  starting: ["ready", "bound", "stopping", "exited"],
  ready: ["bound", "stopping", "exited"],
  bound: ["busy", "stopping", "exited"],
  busy: ["bound", "stopping", "exited"],
  stopping: ["exited"],
  exited: [],
};

/** How a turn got its process. `live`: its session had it already; `warm`: a spare; `cold`: it was started for it. */
export type Lent = "live" | "warm" | "cold";

export interface PooledProcessOptions {
  readonly project: string;
  /** Null: a spare. */
  readonly sessionId: string | null;
  /** Equal lanes have equal launch options. */
  readonly lane: string;
  /** Settles when the process whose place it takes is gone. Never rejects. */
  readonly place: Promise<void>;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Owner: the pool. */
export class PooledProcess {
  readonly id: Id<"proc"> = newId("proc");
  readonly project: string;
  readonly lane: string;
  readonly place: Promise<void>;
  readonly startedAt: number;
  /** When it last became `ready` or `bound`; the oldest goes first under pressure. */
  lastUsedAt: number;
  turns = 0;
  /** How its newest turn got it; null before its first. */
  lentAs: Lent | null = null;
  agent: AgentProcess | null = null;
  /** Settles when the start has succeeded or failed. Never rejects. */
  started: Promise<void> = Promise.resolve();
  /** Resolves when it is `ready` or `bound`, or over. */
  readonly arrival = Promise.withResolvers<undefined>();
  /** Gives up a start that is under way. */
  readonly startup = new AbortController();
  /** Ends an idle process; set while `bound`. */
  idleTimer: NodeJS.Timeout | null = null;
  readonly #now: () => number;
  readonly #log: Logger;
  #sessionId: string | null;
  #state: ProcessState = "starting";

  constructor(options: PooledProcessOptions) {
    this.project = options.project;
    this.#sessionId = options.sessionId;
    this.lane = options.lane;
    this.place = options.place;
    this.#now = options.now;
    this.startedAt = this.lastUsedAt = options.now();
    this.#log = options.logger.child({ process_id: this.id, project: this.project });
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Null while it is a spare. */
  get sessionId(): string | null {
    return this.#sessionId;
  }

  /** @throws Error on a move that the table above does not have */
  move(to: ProcessState): void {
    if (!MOVES[this.#state].includes(to)) {
      throw new Error(`an agent process cannot go from ${this.#state} to ${to}`);
    }
    const pid = this.agent?.process.pid ?? null;
    const fields = { from: this.#state, to, pid, session_id: this.#sessionId };
    // It may be another session's turn that it goes for.
    withLogContext(contextOfSession(this.#sessionId), () => this.#log.debug(fields, "agent process"));
    this.#state = to;
    if (this.idleTimer !== null) {
      clearTimeout(this.idleTimer);
      this.idleTimer = null;
    }
    if (to === "bound" || to === "ready") this.lastUsedAt = this.#now();
    if (to === "busy") this.turns += 1;
  }

  /** A spare becomes a session's; one that still starts will be `bound` when it has. */
  bind(sessionId: string): void {
    if (this.#sessionId !== null || (this.#state !== "ready" && this.#state !== "starting"))
      throw new Error(`a process that is ${this.#state} cannot be given to a session`);
    this.#sessionId = sessionId;
    if (this.#state === "ready") this.move("bound");
  }

  /**
   * It could take a turn, and has none. One that a session was just given is not: the turn that waits for it takes it a
   * moment later, and nobody else must end it meanwhile.
   */
  get isIdle(): boolean {
    return this.#state === "ready" || (this.#state === "bound" && this.turns > 0);
  }

  get isOver(): boolean {
    return this.#state === "stopping" || this.#state === "exited";
  }

  /** Its agent runs, and takes turns. */
  get isAlive(): boolean {
    return this.agent !== null && this.agent.process.exit === null && this.agent.isOpen;
  }
}
