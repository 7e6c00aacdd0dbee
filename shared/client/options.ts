/** What the client's calls take beside their own arguments. */
import type { FollowOptions } from "./follow.ts";
import type { RetryOptions } from "./retry.ts";
import type { Transport, TransportAnswer } from "./transport.ts";

export type KartaClientOptions = (
  | {
      /** Where kartad listens: `http://127.0.0.1:8000`. */
      readonly url: string;
    }
  | { readonly transport: Transport }
) & {
  /** Only this project's sessions: calls go to `/v1/projects/{project}`, else to `/v1`. */
  readonly project?: string | undefined;
  /** Sent as `Authorization: Bearer`. It is in no error and no log. */
  readonly apiKey?: string | undefined;
  /** For what is tried again: `createSession`, `send`, `stream`, `followTurn` and `events`. */
  readonly retry?: RetryOptions | undefined;
  /** Told of each answer's head. */
  readonly onAnswer?: ((answer: TransportAnswer) => void) | undefined;
};

export interface CallerOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface KeyedOptions extends CallerOptions {
  /** A key of your own makes the call safe to repeat for your callers too; else each call has a new one. */
  readonly idempotencyKey?: string | undefined;
}

export interface WatchOptions extends Pick<FollowOptions, "signal" | "onConnection"> {
  /** `system`: harness internals too. */
  readonly include?: "system" | undefined;
}

export interface TurnOptions extends KeyedOptions, WatchOptions {
  /** Told the turn's id as soon as its message is accepted: for `cancel`, since a turn that waits has no events yet. */
  readonly onTurn?: ((turnId: string) => void) | undefined;
}
