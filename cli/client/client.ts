/** The CLI's side of the contract: one `call`, typed by the shared routes, and one `turn` that streams. */
import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import type { SessionEvent } from "../../shared/events.ts";
import { fillPath, type PathParams, type Route } from "../../shared/protocol/route.ts";
import { VERSION_HEADER } from "../../shared/protocol/control.ts";
import type { InputAnswer, SendMessage } from "../../shared/protocol/sessions.ts";
import { CliError } from "./errors.ts";
import { isFailure, readError, readJson, send, type RequestOptions } from "./request.ts";
import { routes } from "./routes.ts";
import { readEvents } from "./event-stream.ts";

export interface ClientOptions {
  readonly socket: string;
  /** Told the daemon's version with each answer, where the answer says. */
  readonly onVersion?: (version: string) => void;
}

/** What a call must and may give: parameters where the path names some, a body where the route takes one. */
export type CallOptions<Path extends string, Query extends z.ZodType, Body extends z.ZodType> = {
  readonly query?: z.input<Query>;
  readonly signal?: AbortSignal;
} & (unknown extends PathParams<Path>
  ? { readonly params?: undefined }
  : { readonly params: PathParams<Path> }) &
  (undefined extends z.input<Body> ? { readonly body?: undefined } : { readonly body: z.input<Body> });

/** What is left of the options when a route needs none: then they may be left out. */
interface NoOptions {
  readonly params?: undefined;
  readonly body?: undefined;
}

export class KartaClient {
  readonly socket: string;
  readonly #onVersion: (version: string) => void;

  constructor(options: ClientOptions) {
    this.socket = options.socket;
    this.#onVersion = options.onVersion ?? (() => undefined);
  }

  /**
   * Calls a route and reads its answer by the route's own schema.
   * @throws KartaError for what the daemon refuses, NoDaemonError when nobody listens
   */
  async call<
    Path extends string,
    Query extends z.ZodType,
    Body extends z.ZodType,
    Response extends z.ZodType,
  >(
    route: Route<Path, Query, Body, Response>,
    ...[options]: NoOptions extends CallOptions<Path, Query, Body>
      ? [options?: CallOptions<Path, Query, Body>]
      : [options: CallOptions<Path, Query, Body>]
  ): Promise<z.output<Response>> {
    const answer = await send({
      socket: this.socket,
      method: route.method,
      path: fillPath<string>(route.path, options?.params) + queryText(options?.query),
      body: options?.body,
      accept: "application/json",
      signal: options?.signal,
    });
    this.seen(answer);
    if (isFailure(answer)) throw await readError(this.socket, answer);
    const parsed = route.response.safeParse(await readJson(this.socket, answer));
    if (parsed.success) return parsed.data;
    throw new CliError(
      "bad_answer",
      `this karta cannot read kartad's answer to ${route.method} ${route.path}`,
      {
        issues: parsed.error.issues.map((issue) => ({
          path: issue.path.map(String).join("."),
          message: issue.message,
        })),
      },
    );
  }

  /** Runs one turn and yields its events as they arrive; ends after `done` or `error`. */
  async *turn(id: string, message: SendMessage, signal?: AbortSignal): AsyncGenerator<SessionEvent> {
    const { method, path } = routes.sendMessage;
    const body = { ...message, stream: true };
    yield* readEvents(
      this.socket,
      await this.#stream({ method, path: fillPath(path, { id }), body, signal }),
    );
  }

  /** Yields what a turn does after `after`, its end included. */
  async *restOfTurn(
    place: { readonly id: string; readonly turnId: string; readonly after: number },
    signal?: AbortSignal,
  ): AsyncGenerator<SessionEvent> {
    const { method, path } = routes.events;
    const target = fillPath(path, { id: place.id }) + queryText({ after: place.after });
    const answer = await this.#stream({ method, path: target, signal });
    yield* readEvents(this.socket, answer, (event) => event.turn_id === place.turnId);
  }

  /**
   * Answers an approval for one who reads the turn's stream already: resolves when the answer is given, and does not
   * wait for what the turn does with it.
   * @throws KartaError `input_already_resolved`, `not_found`
   */
  async answerInput(place: { id: string; request_id: string }, given: InputAnswer): Promise<void> {
    const { method, path } = routes.resolveInput;
    const body = { ...given, stream: true };
    (await this.#stream({ method, path: fillPath(path, place), body })).destroy();
  }

  async #stream(
    request: Pick<RequestOptions, "method" | "path" | "body" | "signal">,
  ): Promise<IncomingMessage> {
    const answer = await send({ ...request, socket: this.socket, accept: "text/event-stream" });
    this.seen(answer);
    if (isFailure(answer)) throw await readError(this.socket, answer);
    return answer;
  }

  /** Notes the daemon's version; public because the WebSockets' handshakes carry it too. */
  seen(answer: Pick<IncomingMessage, "headers">): void {
    const version = answer.headers[VERSION_HEADER];
    if (typeof version === "string") this.#onVersion(version);
  }
}

/** `?a=1&b=2`, or nothing; a field without a value is left out. */
export function queryText(query: unknown): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      search.set(name, String(value));
    }
  }
  return search.size === 0 ? "" : `?${search.toString()}`;
}
