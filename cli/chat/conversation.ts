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
  /** Asks the person for an approval; null where nobody can be asked. */
  readonly ask: Ask | null;
  /** Told of each approval that is denied since nobody can be asked. */
  readonly onNobody: (input: PendingInput) => void;
}

/** `cancelling`: the user has asked for it and the turn has not ended yet. */
type State = "idle" | "replying" | "cancelling";

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #approvals: InlineApprovals;
  #state: State = "idle";
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
    const { client, sessionId, thinking, onEvent, onError, onConnection } = this.#options;
    this.#state = "replying";
    this.#leave = new AbortController();
    try {
      const options = { signal: this.#leave.signal, onConnection };
      for await (const event of client.turn(sessionId, { text, thinking }, options)) {
        if (event.type === "input_resolved") this.#approvals.resolved(event.data.request_id);
        onEvent(event);
        if (event.type === "input_required" && !this.#isCancelling()) this.#approvals.required(event.data);
      }
      return true;
    } catch (error) {
      if (!this.#leave.signal.aborted) onError(error);
      return false;
    } finally {
      await this.#approvals.withdraw();
      this.#state = "idle";
    }
  }

  /**
   * Ctrl-C: cancels the turn. True: there was one to cancel. False: the user wants to leave, either because nothing is
   * running, or because the turn has not ended since the last Ctrl-C; the daemon goes on cancelling it.
   */
  interrupt(): boolean {
    switch (this.#state) {
      case "idle":
        return false;
      case "cancelling":
        this.#leave.abort();
        return false;
      case "replying":
        this.#state = "cancelling";
        void this.#approvals.withdraw();
        void this.#cancel();
        return true;
    }
  }

  #isCancelling(): boolean {
    return this.#state === "cancelling";
  }

  async #cancel(): Promise<void> {
    const { client, sessionId, onError } = this.#options;
    try {
      await client.call(routes.cancelTurn, { params: { id: sessionId }, body: {} });
    } catch (error) {
      // It ended by itself, or has not begun: then the next Ctrl-C tries again.
      if (this.#state === "cancelling") this.#state = "replying";
      if (!(error instanceof KartaError && error.code === "no_turn_running")) onError(error);
    }
  }
}
