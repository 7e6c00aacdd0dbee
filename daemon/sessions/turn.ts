/** One turn: a message in, events out, one end. */
import type { Logger } from "pino";
import type { TurnErrorCode } from "../../shared/errors.ts";
import type { AssistantMessage, Participant, Usage, UserMessage } from "../../shared/events.ts";
import { newId, newMessageId, type Id } from "../../shared/ids.ts";
import type { TurnImage } from "../harness/harness.ts";
import type { RowChange } from "../store/changes.ts";
import type { SessionRow } from "../store/schema.ts";
import { Approvals } from "./approvals.ts";
import { logContext, type LogContext } from "../log/context.ts";
import { Assembly } from "./assembly.ts";
import type { Idempotency } from "./idempotency.ts";
import { replyIdTo } from "./reply-id.ts";

/**
 * - `queued`: accepted and stored, waits for its place
 * - `running`: the agent works on it
 * - `awaiting_input`: the agent waits for an approval
 * - `completed`, `failed`, `cancelled`: ended; its terminal event is stored
 */
export type TurnState = "queued" | "running" | "awaiting_input" | "completed" | "failed" | "cancelled";

const MOVES: Readonly<Record<TurnState, readonly TurnState[]>> = {
  queued: ["running", "failed", "cancelled"],
  running: ["awaiting_input", "completed", "failed", "cancelled"],
  awaiting_input: ["running", "failed", "cancelled"],
  completed: [],
  failed: [],
  cancelled: [],
};

/** How a turn ended, with all a unary answer needs. */
export type TurnOutcome =
  | { readonly kind: "completed" | "cancelled"; readonly message: AssistantMessage; readonly usage: Usage }
  | {
      readonly kind: "failed";
      readonly code: TurnErrorCode;
      readonly detail: string;
      readonly retryable: boolean;
      /** Whether anything was said before. */
      readonly hadOutput: boolean;
      readonly message: AssistantMessage;
      readonly usage: Usage;
    };

export interface TurnInput {
  readonly text: string;
  /** What the agent is told before the text, and people are not shown; null: nothing. */
  readonly preface: string | null;
  /** Shown to the agent with the text. The log and the history do not hold them. */
  readonly images: readonly TurnImage[];
  /** What else is written in the transaction that stores its end; null: nothing. Must not throw. */
  readonly changesAtEnd: ((outcome: TurnOutcome) => readonly RowChange[]) | null;
  /** Null: whoever is the session's agent when the turn's place comes. */
  readonly agent: string | null;
  readonly participant: Participant | null;
  readonly thinking: boolean;
  /** Null: every send is a turn of its own. */
  readonly idempotency: Idempotency | null;
}

/** Owner: its `LiveSession`. */
export class Turn {
  readonly id: Id<"turn"> = newId("turn");
  readonly input: TurnInput;
  readonly userMessage: UserMessage;
  readonly assembly: Assembly;
  /** Who answers. Until the turn's place comes it may change, where the message names none. */
  agent: string;
  readonly createdAt: number;
  /** What is logged in its course carries this: its ids, and that of the request that began it. */
  readonly logContext: LogContext;
  startedAt: number | null = null;
  /** The seq of its `message` event: its own stream begins after it. 0 until it is stored. */
  acceptedSeq = 0;
  /** Settles when its message is stored, or could not be: a retry that finds it waits for this. */
  readonly accepted = Promise.withResolvers<undefined>();
  /** False at its end: its terminal event could not be stored yet, and whoever watches the log may wait long for it. */
  isEndStored = false;
  /** What its agent asks of people. */
  readonly approvals: Approvals = new Approvals(this);
  readonly #cancel = new AbortController();
  /** Settles with its end, once its terminal event is stored. Never rejects. */
  readonly outcome: Promise<TurnOutcome>;
  readonly #log: Logger;
  #state: TurnState = "queued";
  #settle: (outcome: TurnOutcome) => void = () => undefined;

  /** @param options.agent the session's agent now */
  constructor(options: {
    input: TurnInput;
    agent: string;
    now: number;
    logger: Logger;
    /** Whose it is. */
    session: Pick<SessionRow, "id" | "project">;
  }) {
    this.input = options.input;
    this.agent = options.input.agent ?? options.agent;
    this.createdAt = options.now;
    const { request_id: request } = logContext();
    const { id: session_id, project } = options.session;
    const ids = { project, session_id, turn_id: this.id };
    this.logContext = request === undefined ? ids : { ...ids, request_id: request };
    this.#log = options.logger.child(this.logContext);
    const id = newMessageId();
    this.assembly = new Assembly({ id: replyIdTo(id), thinking: options.input.thinking });
    this.userMessage = {
      id,
      role: "user",
      text: options.input.text,
      parts: [{ type: "text", text: options.input.text }],
      participant: options.input.participant,
    };
    this.accepted.promise.catch(() => undefined); // whoever sent it is told by `enqueue`
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
  }

  get state(): TurnState {
    return this.#state;
  }

  /** Fires when somebody asks for its end. */
  get cancelSignal(): AbortSignal {
    return this.#cancel.signal;
  }

  /** Somebody asked for its end. */
  isCancelRequested(): boolean {
    return this.#cancel.signal.aborted;
  }

  requestCancel(): void {
    this.#cancel.abort();
  }

  /** @throws Error on a move that the table above does not have */
  move(to: TurnState): void {
    if (!MOVES[this.#state].includes(to)) throw new Error(`a turn cannot go from ${this.#state} to ${to}`);
    this.#log.debug({ from: this.#state, to }, "turn");
    this.#state = to;
  }

  /** Its terminal event is stored (or can't be now): whoever waits may go on. */
  settle(outcome: TurnOutcome): void {
    this.#settle(outcome);
  }
}
