/** One session talked to from the terminal: a turn at a time, each of which can be cancelled, none of which ends the chat. */
import type { WatchOptions } from "../../shared/client/options.ts";
import { KartaError } from "../../shared/errors.ts";
import type { SessionEvent } from "../../shared/events.ts";
import type { KartaClient } from "../client/client.ts";
import { routes } from "../client/routes.ts";
import type { PendingInput } from "../../shared/protocol/sessions.ts";
import { InlineApprovals, type Ask } from "./approvals.ts";

export interface ConversationOptions {
  readonly client: KartaClient;
  readonly sessionId: string;
  readonly thinking: boolean;
  /** May throw, for an event that ends a failed turn. */
  readonly onEvent: (event: SessionEvent) => void;
  readonly onError: (error: unknown) => void;
  /** The daemon went away in the middle of a reply, or came back. */
  readonly onConnection: NonNullable<WatchOptions["onConnection"]>;
  /** Another client's turn runs: the one that is sent waits for it. */
  readonly onQueued: () => void;
  /** Asks the person for an approval; null where nobody can be asked. */
  readonly ask: Ask | null;
  /** Told of each approval that is denied since nobody can be asked. */
  readonly onNobody: (input: PendingInput) => void;
}

/**
 * `replying`: a turn is on. `away`: it is, and the daemon does not answer. `cancelling`: the user has asked for its end.
 */
type State = "idle" | "replying" | "away" | "cancelling";

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #approvals: InlineApprovals;
  #state: State = "idle";
  /** The turn that was accepted; null before. */
  #turnId: string | null = null;
  #leave = new AbortController();

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { client, sessionId, ask, onNobody, onError } = options;
    this.#approvals = new InlineApprovals({
      ask,
      onNobody,
      onError,
      send: (requestId, answer) => client.answerInput({ id: sessionId, request_id: requestId }, answer),
    });
  }

  /** Sends one message and waits for the end of its turn. Never throws: errors go to `onError`, and false comes back. */
  async say(text: string): Promise<boolean> {
    const { client, sessionId, thinking, onEvent, onError } = this.#options;
    this.#state = "replying";
    this.#turnId = null;
    const leave = (this.#leave = new AbortController());
    const options = {
      signal: leave.signal,
      onTurn: (turnId: string) => this.#accepted(turnId),
      onConnection: (change: "open" | "lost") => this.#connection(change),
    };
    try {
      await this.#tellOfOthers();
      for await (const event of client.turn(sessionId, { text, thinking }, options)) {
        if (event.type === "input_resolved") this.#approvals.resolved(event.data.request_id);
        onEvent(event);
        if (event.type === "input_required" && !this.#isCancelling()) this.#approvals.required(event.data);
      }
      return true;
    } catch (error) {
      if (!leave.signal.aborted) onError(error);
      return false;
    } finally {
      await this.#approvals.withdraw();
      this.#state = "idle";
    }
  }

  /**
   * Ctrl-C: cancels the turn, or leaves the one that a daemon which is away cannot cancel. True: there was one. False: the
   * user wants to leave the chat, either because nothing is running, or because the turn has not ended since the last
   * Ctrl-C; the daemon goes on cancelling it.
   */
  interrupt(): boolean {
    switch (this.#state) {
      case "idle":
        return false;
      case "cancelling":
        this.#leave.abort();
        return false;
      case "away":
        this.#leave.abort();
        return true;
      case "replying":
        this.#state = "cancelling";
        void this.#approvals.withdraw();
        if (this.#turnId !== null) void this.#cancel(this.#turnId);
        return true;
    }
  }

  /** By its id alone can this turn be cancelled, and not one of another client's in the same session. */
  #accepted(turnId: string): void {
    this.#turnId = turnId;
    if (this.#isCancelling()) void this.#cancel(turnId);
  }

  #connection(change: "open" | "lost"): void {
    if (this.#state === "replying" && change === "lost") this.#state = "away";
    else if (this.#state === "away" && change === "open") this.#state = "replying";
    this.#options.onConnection(change);
  }

  async #tellOfOthers(): Promise<void> {
    const { client, sessionId, onQueued } = this.#options;
    const { turn } = await client.call(routes.getSession, { params: { id: sessionId } });
    if (turn !== null) onQueued();
  }

  #isCancelling(): boolean {
    return this.#state === "cancelling";
  }

  async #cancel(turnId: string): Promise<void> {
    const { client, sessionId, onError } = this.#options;
    try {
      await client.call(routes.cancelTurn, { params: { id: sessionId }, body: { turn_id: turnId } });
    } catch (error) {
      // It ended by itself, or the daemon did not take it: then the next Ctrl-C tries again.
      if (this.#state === "cancelling") this.#state = "replying";
      if (!(error instanceof KartaError && error.code === "no_turn_running")) onError(error);
    }
  }
}
