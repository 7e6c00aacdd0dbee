/** A client of Karta's session API (spec: http-api), for programs in Node and in browsers. */
import type { z } from "zod";
import type { Participant, SessionEvent } from "../events.ts";
import { healthRoutes, type HealthSchema } from "../protocol/health.ts";
import type { MessagePage } from "../protocol/messages.ts";
import type { AddParticipant } from "../protocol/participants.ts";
import { fillPath } from "../protocol/route.ts";
import {
  LIMITS,
  sessionRoutes as routes,
  type CreateSession,
  type InputAnswer,
  type PatchSession,
  type Session,
  type SessionPage,
  type TurnResult,
} from "../protocol/sessions.ts";
import { RouteCaller } from "./call.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { follow, type Followed } from "./follow.ts";
import type {
  CallerOptions,
  KartaClientOptions,
  KeyedOptions,
  TurnOptions,
  WatchOptions,
} from "./options.ts";
import { retried, type RetryOptions } from "./retry.ts";
import { keyHeader, knownTurn, newTurn, openFeed, type OutgoingMessage } from "./turn.ts";

export interface SessionFilter {
  readonly project?: string | undefined;
  readonly status?: Session["status"] | undefined;
  /** Sessions whose metadata has these values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export type Continuation = z.output<typeof routes.resolveInput.response>;
export type Health = z.output<typeof HealthSchema>;

/**
 * Every method throws a `KartaError` for what Karta refuses (match on `code`), a `ConnectionError` when it cannot be
 * reached, an `UnreadableAnswerError` when something else answers, and the signal's reason when it was aborted.
 */
export class KartaClient {
  readonly #caller: RouteCaller;
  readonly #root: RouteCaller;
  readonly #retry: RetryOptions | undefined;

  /** @throws TypeError for a URL or a key that cannot be one; the key is not in the error */
  constructor(options: KartaClientOptions) {
    const { project, apiKey, onAnswer } = options;
    if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
      throw new TypeError("apiKey: expected visible ASCII characters alone");
    const common = {
      transport: "transport" in options ? options.transport : fetchTransport(options.url),
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      onAnswer,
    };
    const base = project === undefined ? "/v1" : fillPath("/v1/projects/:project", { project });
    this.#caller = new RouteCaller({ ...common, base });
    this.#root = new RouteCaller({ ...common, base: "" });
    this.#retry = options.retry;
  }

  /** That the daemon is alive, and what it is. */
  health(options: CallerOptions = {}): Promise<Health> {
    return this.#root.call(healthRoutes.healthz, options);
  }

  /** A new session; with `session_id`, the one of that id. An answer that is lost makes no second session. */
  createSession(body: CreateSession = {}, options: KeyedOptions = {}): Promise<Session> {
    const { signal } = options;
    const headers = keyHeader(options);
    const attempt = () => this.#caller.call(routes.createSession, { body, headers, signal });
    return retried(attempt, this.#retry, signal);
  }

  getSession(id: string, options: CallerOptions = {}): Promise<Session> {
    return this.#caller.call(routes.getSession, { params: { id }, ...options });
  }

  /** Sessions, newest first, a page at a time as they are wanted. */
  async *listSessions(filter: SessionFilter = {}, options: CallerOptions = {}): AsyncGenerator<Session> {
    const { metadata = {}, ...fields } = filter;
    const wanted = Object.entries(metadata).map(([key, value]): [string, string] => [
      `metadata.${key}`,
      value,
    ]);
    const common = { ...fields, ...Object.fromEntries(wanted), limit: LIMITS.pageSize };
    let cursor: string | null = null;
    do {
      const query = { ...common, ...(cursor === null ? {} : { cursor }) };
      const page: SessionPage = await this.#caller.call(routes.listSessions, { query, ...options });
      yield* page.data;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  /** Ends the session's process and archives the handle. */
  async delete(id: string, options: CallerOptions = {}): Promise<void> {
    await this.#caller.call(routes.deleteSession, { params: { id }, ...options });
  }

  /** Changes metadata (merged; null deletes a key), the agent that answers, or who is asked for leave. */
  patch(id: string, body: PatchSession, options: CallerOptions = {}): Promise<Session> {
    return this.#caller.call(routes.patchSession, { params: { id }, body, ...options });
  }

  /** Adds a participant, or changes the known one of that name. */
  addParticipant(id: string, body: AddParticipant, options: CallerOptions = {}): Promise<Participant> {
    return this.#caller.call(routes.addParticipant, { params: { id }, body, ...options });
  }

  /** A page of the conversation, oldest first, as the harness keeps it; `next_cursor` leads to the next one. */
  messages(
    id: string,
    options: CallerOptions & z.input<typeof routes.listMessages.query> = {},
  ): Promise<MessagePage> {
    const { signal, ...query } = options;
    return this.#caller.call(routes.listMessages, { params: { id }, query, signal });
  }

  /** Ends the running turn, or the one that is named, even while it waits. @throws KartaError `no_turn_running` */
  cancel(
    id: string,
    options: CallerOptions & { readonly turnId?: string | undefined } = {},
  ): Promise<{ turn_id: string }> {
    const { signal, turnId } = options;
    const body = turnId === undefined ? {} : { turn_id: turnId };
    return this.#caller.call(routes.cancelTurn, { params: { id }, body, signal });
  }

  /** Gets a process ready now, so that the next turn starts warm. */
  async warm(id: string, options: CallerOptions = {}): Promise<void> {
    await this.#caller.call(routes.warmSession, { params: { id }, ...options });
  }

  /** Runs a turn and resolves with its whole result, or at its first approval. It runs once, whatever gets lost. */
  send(id: string, message: OutgoingMessage, options: KeyedOptions = {}): Promise<TurnResult> {
    const { signal } = options;
    const headers = keyHeader(options);
    const call = { params: { id }, body: message, headers, signal };
    return retried(() => this.#caller.call(routes.sendMessage, call), this.#retry, signal);
  }

  /**
   * Runs a turn and yields its events as they come, each once; ends after `done` or `error`. It reads on by itself when
   * the connection breaks, when kartad restarts and when it was cut off for reading too slowly. Leaving the loop does
   * not stop the turn; `cancel` does.
   */
  stream(id: string, message: OutgoingMessage, options: TurnOptions = {}): AsyncGenerator<SessionEvent> {
    return this.#follow(newTurn(this.#caller, id, message, options), options);
  }

  /** Yields what a turn did after `after` and does from now on, its end included. */
  followTurn(
    id: string,
    turn: { readonly turnId: string; readonly after: number },
    options: WatchOptions = {},
  ): AsyncGenerator<SessionEvent> {
    return this.#follow(knownTurn(this.#caller, id, turn, options), options);
  }

  /**
   * Yields everything in the session after `after`, and then goes on live, with no gap and no duplicate, until the
   * signal is aborted or the loop is left. Without `after`: from now on.
   * @throws KartaError `cursor_expired`, whose `fields.oldest_seq` is where to begin instead
   */
  async *events(
    id: string,
    options: WatchOptions & { readonly after?: number | undefined } = {},
  ): AsyncGenerator<SessionEvent> {
    const { signal } = options;
    const after = options.after ?? (await this.getSession(id, { signal })).last_seq;
    const open = (cursor: number) => openFeed(this.#caller, id, cursor, options);
    yield* this.#follow({ after, open, shows: () => true, endsAfter: () => false }, options);
  }

  /** Yields what is stored of the session after `after`, or all that is kept, and ends there. @throws KartaError `cursor_expired` */
  async *storedEvents(
    id: string,
    options: Omit<WatchOptions, "onConnection"> & { readonly after?: number | undefined } = {},
  ): AsyncGenerator<SessionEvent> {
    const { signal, include, after } = options;
    let query: z.input<typeof routes.events.query> = {
      follow: "false",
      limit: LIMITS.eventPageSize,
      ...(include && { include }),
      ...(after === undefined ? {} : { after }),
    };
    for (let cursor = after ?? 0; ; query = { ...query, after: cursor }) {
      const page = await this.#caller.call(routes.events, { params: { id }, query, signal });
      yield* page.data;
      if (page.next_after <= cursor) return; // a page may show nothing and still not be the last
      cursor = page.next_after;
    }
  }

  /** Answers an approval or a question, and resolves with what the turn did next, up to its end or its next pause. */
  resolveInput(
    id: string,
    requestId: string,
    answer: InputAnswer,
    options: CallerOptions = {},
  ): Promise<Continuation> {
    const params = { id, request_id: requestId };
    return this.#caller.call(routes.resolveInput, { params, body: answer, ...options });
  }

  /** The same for one who reads the turn's stream already: resolves as soon as the answer is given. */
  async answerInput(
    id: string,
    requestId: string,
    answer: InputAnswer,
    options: CallerOptions = {},
  ): Promise<void> {
    const params = { id, request_id: requestId };
    const body = { ...answer, stream: true };
    (await this.#caller.open(routes.resolveInput, { params, body, ...options })).close();
  }

  #follow(followed: Followed, { signal, onConnection }: WatchOptions): AsyncGenerator<SessionEvent> {
    return follow(followed, { signal, onConnection, retry: this.#retry });
  }
}
