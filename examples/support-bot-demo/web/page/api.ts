/** The page's own server: the only one the browser talks to. */
import { field, parseJson, readReply, text, type ReplyEvent } from "./karta-events.ts";

export interface Info {
  readonly title: string;
  /** True: the replies come from a script, not from a model. */
  readonly offline: boolean;
}

/** The server, or Karta behind it, answered with an error. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  /** When trying again makes sense; null where the server did not say. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, code: string, detail: string, retryAfterSeconds: number | null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** True when the session is gone, here or at Karta, and a new one is the way on. */
  get sessionLost(): boolean {
    return this.status === 404;
  }
}

/** The reply's stream ended with `error`, or without any terminal event. */
export class ReplyBrokenOff extends Error {
  override readonly name = "ReplyBrokenOff";
  /** True when Karta said that the turn is over. Otherwise it may well be going on. */
  readonly turnEnded: boolean;

  constructor(detail: string, turnEnded: boolean) {
    super(detail);
    this.turnEnded = turnEnded;
  }
}

/** `GET /api/info`. @throws ApiError, TypeError (no network) */
export async function fetchInfo(): Promise<Info> {
  const answer: unknown = await (await checked(fetch("/api/info"))).json();
  return { title: text(field(answer, "title")), offline: field(answer, "offline") === true };
}

/** `POST /api/spawn`: a new session's id. @throws ApiError, TypeError (no network) */
export async function spawnSession(signal: AbortSignal): Promise<string> {
  const answer: unknown = await (await checked(fetch("/api/spawn", { method: "POST", signal }))).json();
  return text(field(answer, "session_id"));
}

/**
 * `POST /api/message`: the reply, event by event.
 * @param key the same key again asks for the same turn again, which runs once
 * @throws ApiError, TypeError (no network), ReplyBrokenOff (the stream broke)
 */
export async function* streamReply(
  sessionId: string,
  message: string,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<ReplyEvent> {
  const response = await checked(
    fetch("/api/message", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify({ session_id: sessionId, text: message }),
      signal,
    }),
  );
  if (response.body === null) return;
  try {
    yield* readReply(response.body);
  } catch {
    throw new ReplyBrokenOff("", false);
  }
}

async function checked(pending: Promise<Response>): Promise<Response> {
  const response = await pending;
  if (response.ok) return response;
  const body = parseJson(await response.text().catch(() => ""));
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  throw new ApiError(
    response.status,
    text(field(body, "error")),
    text(field(body, "detail")),
    Number.isNaN(seconds) ? null : seconds,
  );
}
