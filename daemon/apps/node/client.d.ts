/** What `Karta` is made of outside an app: sessions of a running kartad. */

type Scalar = string | number | boolean | null;

/** Where kartad is. Left out: this machine's socket, and kartad's default project. */
export interface KartaOptions {
  /** A registered project's name. */
  readonly project?: string;
  /** The public API's base. */
  readonly url?: string;
  /** The socket's path; left out: `$KARTA_SOCKET`, else where kartad puts it. */
  readonly socket?: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string;
}

export interface SessionOptions {
  /** Goes on with the session of this id. */
  readonly id?: string;
  readonly metadata?: Readonly<Record<string, Scalar>>;
  readonly agent?: string;
  readonly permissionMode?: "interactive" | "autonomous";
}

export interface SendOptions {
  readonly agent?: string;
  /** Gives up waiting; the turn goes on. */
  readonly signal?: AbortSignal;
  /**
   * A key of your own makes the message safe to repeat for your callers too: for a day, the same key and text in the same
   * session finds the turn that the first one began. Each message has a key in any case.
   */
  readonly idempotencyKey?: string;
}

/** A turn's answer. */
export interface Reply {
  readonly text: string;
  /** With `input_required`, `pendingInput` says what for. */
  readonly status: "completed" | "cancelled" | "input_required";
  readonly sessionId: string;
  readonly turnId: string;
  readonly agent: string;
  /** As the HTTP API has it. */
  readonly usage: Readonly<Record<string, number>>;
  readonly messages: readonly unknown[];
  readonly pendingInput: Readonly<Record<string, unknown>> | null;
}

/** One event of a turn: `text`, `tool_use`, `input_required`, `done`… */
export interface StreamEvent {
  readonly type: string;
  readonly seq: number;
  /** As the HTTP API has it. */
  readonly data: unknown;
  /** The words that a `text` event adds; empty for every other. */
  readonly text: string;
}

/** kartad refused a call, or a turn failed. `code` is for programs, `message` for people. */
export declare class KartaError extends Error {
  readonly code: string;
  /** The HTTP status; 502 for a turn that failed in its stream. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** kartad cannot be reached: nobody listens where it should, or the connection broke and did not come back in a minute. */
export declare class NoDaemonError extends Error {}

/**
 * A conversation. It is created by its first message, and lives on in kartad. A message whose answer gets lost is sent
 * again and runs once; a stream whose connection breaks is read on, each event once, over a restart of kartad too.
 */
export declare class Session {
  private constructor();
  /** Undefined before its first message, unless it was given. Keep it to come back to the conversation. */
  readonly id: string | undefined;
  /** Sends a message and resolves with the whole reply. Rejects with KartaError or NoDaemonError. */
  send(text: string, options?: SendOptions): Promise<Reply>;
  /**
   * Sends a message and yields the turn's events as they come; the last is `done`. Throws KartaError when the turn fails.
   * Leaving early, or the signal, does not end the turn: `cancel()` does.
   */
  stream(text: string, options?: SendOptions): AsyncGenerator<StreamEvent, void>;
  /** Answers an approval, and resolves with what the turn does next. */
  answer(
    requestId: string,
    decision: "approve_once" | "approve_session" | "deny",
    options?: { readonly message?: string; readonly answers?: Readonly<Record<string, string>> },
  ): Promise<StreamEvent[]>;
  /** Ends the running turn. Rejects with KartaError `no_turn_running`. */
  cancel(): Promise<void>;
}
