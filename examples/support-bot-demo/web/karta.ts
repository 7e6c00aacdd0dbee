/** The three calls this web server makes to Karta. The browser makes none of them itself. */
import { z } from "zod";

const Health = z.object({ status: z.string(), version: z.string(), offline: z.boolean() });
const Session = z.object({ session_id: z.string() });

export type Health = z.infer<typeof Health>;

/** A call that starts nothing slow is answered within this, or Karta counts as gone. */
const ANSWER_MS = 10_000;

/** Nobody answers at Karta's address; `message` says what to do about it. */
export class KartaUnreachable extends Error {
  override readonly name = "KartaUnreachable";
}

/** Karta answered with an error: its status and JSON body are for the browser as they are. */
export class KartaRefused extends Error {
  override readonly name = "KartaRefused";
  readonly response: Response;

  constructor(response: Response) {
    super(`Karta answered ${response.status}`);
    this.response = response;
  }
}

export interface TurnRequest {
  readonly sessionId: string;
  readonly text: string;
  /** The same key again never runs the turn a second time. */
  readonly idempotencyKey: string | undefined;
  /** Ends the reading of the reply. The turn itself goes on at Karta. */
  readonly signal: AbortSignal;
}

/** A client of Karta's public HTTP API (spec: http-api). */
export class KartaClient {
  readonly #baseUrl: string;
  readonly #project: string | undefined;

  /** @param project the project new sessions belong to; left out, Karta takes its default */
  constructor(baseUrl: string, project: string | undefined) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#project = project;
  }

  /** `GET /healthz`. @throws KartaUnreachable, KartaRefused */
  async health(): Promise<Health> {
    return Health.parse(
      await (await this.#fetch("/healthz", { method: "GET", signal: AbortSignal.timeout(ANSWER_MS) })).json(),
    );
  }

  /** `POST /v1/sessions`: the new session's id. @throws KartaUnreachable, KartaRefused */
  async createSession(metadata: Readonly<Record<string, string>>): Promise<string> {
    const body = this.#project === undefined ? { metadata } : { metadata, project: this.#project };
    const response = await this.#fetch("/v1/sessions", {
      ...post(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return Session.parse(await response.json()).session_id;
  }

  /** `POST /v1/sessions/{id}/messages` with `stream: true`: the response, whose body is the event stream. */
  async streamTurn(turn: TurnRequest): Promise<Response> {
    const request = post({ text: turn.text, stream: true });
    if (turn.idempotencyKey !== undefined) request.headers["idempotency-key"] = turn.idempotencyKey;
    return this.#fetch(`/v1/sessions/${turn.sessionId}/messages`, { ...request, signal: turn.signal });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.#baseUrl + path, init);
    } catch (cause) {
      throw new KartaUnreachable(this.#advice(), { cause });
    }
    if (!response.ok) throw new KartaRefused(response);
    return response;
  }

  #advice(): string {
    const { port } = new URL(this.#baseUrl);
    return `Karta does not answer at ${this.#baseUrl}. Start it in another terminal: karta serve --port ${port || "80"}`;
  }
}

function post(body: unknown) {
  const headers: Record<string, string> = { "content-type": "application/json" };
  return { method: "POST", headers, body: JSON.stringify(body) };
}
