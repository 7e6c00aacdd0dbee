/** The CLI's side of the contract: the shared client over the control socket, with the errors that a terminal wants. */
import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { RouteCaller, type CallArguments } from "../../shared/client/call.ts";
import { KartaClient as SessionClient, type SessionFilter } from "../../shared/client/client.ts";
import type { TurnOptions, WatchOptions } from "../../shared/client/options.ts";
import type { RetryOptions } from "../../shared/client/retry.ts";
import { socketTransport } from "../../shared/client/socket-transport.ts";
import type { TransportAnswer } from "../../shared/client/transport.ts";
import type { OutgoingMessage } from "../../shared/client/turn.ts";
import type { SessionEvent } from "../../shared/events.ts";
import { VERSION_HEADER } from "../../shared/protocol/control.ts";
import type { Route } from "../../shared/protocol/route.ts";
import type { InputAnswer, Session, TurnResult } from "../../shared/protocol/sessions.ts";
import { explained } from "./errors.ts";

export interface ClientOptions {
  readonly socket: string;
  /** Told the daemon's version with each answer, where the answer says. */
  readonly onVersion?: (version: string) => void;
  /** How long a turn's stream waits for a daemon that went away. */
  readonly retry?: RetryOptions;
}

/** Every method throws NoDaemonError when nobody listens, and WentAwayError when the daemon goes and does not come back. */
export class KartaClient {
  readonly socket: string;
  readonly #routes: RouteCaller;
  readonly #sessions: SessionClient;
  readonly #onVersion: (version: string) => void;

  constructor({ socket, onVersion = () => undefined, retry }: ClientOptions) {
    this.socket = socket;
    this.#onVersion = onVersion;
    const transport = socketTransport(socket);
    const onAnswer = (answer: TransportAnswer) => this.#noteVersion(answer.header(VERSION_HEADER));
    this.#routes = new RouteCaller({ transport, base: "", onAnswer });
    this.#sessions = new SessionClient({ transport, onAnswer, retry });
  }

  /** Calls a route and reads its answer by the route's own schema. @throws KartaError for what the daemon refuses */
  call<Path extends string, Query extends z.ZodType, Body extends z.ZodType, Response extends z.ZodType>(
    route: Route<Path, Query, Body, Response>,
    ...options: CallArguments<Path, Query, Body>
  ): Promise<z.output<Response>> {
    return this.#told(this.#routes.call(route, ...options));
  }

  /** Sessions, newest first, a page at a time as they are wanted. */
  eachSession(filter: SessionFilter = {}): AsyncGenerator<Session> {
    return this.#toldOfEach(this.#sessions.listSessions(filter));
  }

  /** What is stored of a session after a seq, harness internals included. */
  storedEvents(id: string, after: number | undefined): AsyncGenerator<SessionEvent> {
    return this.#toldOfEach(this.#sessions.storedEvents(id, { after, include: "system" }));
  }

  /** Runs one turn and resolves with its result, or at its first approval. */
  send(id: string, message: OutgoingMessage, signal?: AbortSignal): Promise<TurnResult> {
    return this.#told(this.#sessions.send(id, message, { signal }));
  }

  /** Runs one turn and yields its events as they arrive; ends after `done` or `error`, over a restart of the daemon too. */
  turn(id: string, message: OutgoingMessage, options: TurnOptions = {}): AsyncGenerator<SessionEvent> {
    return this.#toldOfEach(this.#sessions.stream(id, message, options));
  }

  /** Yields what a turn does after `after`, its end included. */
  restOfTurn(
    place: { readonly id: string; readonly turnId: string; readonly after: number },
    options: WatchOptions = {},
  ): AsyncGenerator<SessionEvent> {
    return this.#toldOfEach(this.#sessions.followTurn(place.id, place, options));
  }

  /**
   * Answers an approval for one who reads the turn's stream already: resolves when the answer is given, and does not
   * wait for what the turn does with it.
   * @throws KartaError `input_already_resolved`, `not_found`
   */
  answerInput(place: { id: string; request_id: string }, given: InputAnswer): Promise<void> {
    return this.#told(this.#sessions.answerInput(place.id, place.request_id, given));
  }

  /** Notes the daemon's version; public because the WebSockets' handshakes carry it too. */
  seen(answer: Pick<IncomingMessage, "headers">): void {
    const version = answer.headers[VERSION_HEADER];
    this.#noteVersion(typeof version === "string" ? version : null);
  }

  #noteVersion(version: string | null): void {
    if (version !== null) this.#onVersion(version);
  }

  async #told<Result>(pending: Promise<Result>): Promise<Result> {
    try {
      return await pending;
    } catch (error) {
      throw explained(this.socket, error);
    }
  }

  async *#toldOfEach<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    try {
      yield* items;
    } catch (error) {
      throw explained(this.socket, error);
    }
  }
}
