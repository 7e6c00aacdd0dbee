/** What a client meets besides Karta's own answers, which are `KartaError`. Neither ever holds a header: no key can leak. */
import { ErrorBodySchema, KartaError, type Issue } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { TransportAnswer } from "./transport.ts";

/**
 * `refused`: nobody took the request, so it certainly had no effect.
 * `broken`: the connection ended before the answer did; Karta may have taken the request.
 */
export type ConnectionFailure = "refused" | "broken";

/** Karta could not be reached, or its answer did not arrive whole. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly failure: ConnectionFailure;

  constructor(failure: ConnectionFailure, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? {} : { cause });
    this.failure = failure;
  }
}

/** Something answered, and not as Karta does: a proxy's own page, or a Karta that this client is too old for. */
export class UnreadableAnswerError extends Error {
  override readonly name = "UnreadableAnswerError";
  readonly status: number;
  /** The fields that were not as expected. */
  readonly issues: readonly Issue[];

  constructor(
    status: number,
    detail: string,
    options: { readonly issues?: readonly Issue[]; readonly cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.status = status;
    this.issues = options.issues ?? [];
  }
}

/** What a failed turn's last event says, as the error it is. */
export function turnError({ data }: Extract<SessionEvent, { type: "error" }>): KartaError {
  return new KartaError(data.code, data.message, { fields: { retryable: data.retryable } });
}

/** True for an answer that is no success. */
export function isFailure(answer: Pick<TransportAnswer, "status">): boolean {
  return answer.status < 200 || answer.status >= 300;
}

/** The error that such an answer carries: Karta's own, or an UnreadableAnswerError. @throws ConnectionError */
export async function readError(answer: TransportAnswer): Promise<Error> {
  const { data } = ErrorBodySchema.safeParse(await readJson(answer).catch(unlessUnreadable));
  if (data === undefined) {
    return new UnreadableAnswerError(answer.status, `the answer is ${answer.status}, without saying why`);
  }
  const retryAfterSeconds = secondsUntil(answer.header("retry-after"));
  return KartaError.fromBody(data, {
    status: answer.status,
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
  });
}

/** The answer's JSON; undefined for an empty one. @throws ConnectionError, UnreadableAnswerError */
export async function readJson(answer: TransportAnswer): Promise<unknown> {
  let text = "";
  for await (const chunk of answer.chunks) text += chunk;
  if (text === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch (cause) {
    throw new UnreadableAnswerError(answer.status, `the answer ${answer.status} is not JSON`, { cause });
  }
}

function unlessUnreadable(error: unknown): undefined {
  if (error instanceof UnreadableAnswerError) return undefined;
  throw error;
}

/** `Retry-After`: seconds, or the date that proxies may send. Null where it says nothing. */
function secondsUntil(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}
