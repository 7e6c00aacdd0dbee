/**
 * Every error that crosses a plane, once: its code, the HTTP status it travels with, and when it is used.
 * Callers match on `code`, never on a message's text. The wire form is `ErrorBody` (spec: http-api, Conventions).
 */
import { z } from "zod";

/** Code → HTTP status. The comment says when it is raised. */
export const ERROR_STATUS = {
  /** The body is not JSON, or is JSON but not an object. */
  invalid_json: 400,
  /** A route parameter or query value is malformed in a way that no field schema covers. */
  bad_request: 400,
  /** No credential, or one that is not valid. */
  unauthorized: 401,
  /** The project's budget is spent; checked before anything runs. */
  budget_exhausted: 402,
  /** A good credential for another project or scope. */
  forbidden: 403,
  /** A browser origin that is not on the allow-list, or a Host header that is not this daemon's. */
  origin_not_allowed: 403,
  /** No such thing, or another tenant's thing: the two are never told apart. */
  not_found: 404,
  /** A session was asked for with no project registered. */
  no_project: 409,
  /** A session was asked for with several projects registered and none named. */
  project_required: 409,
  /** The approval was answered before. */
  input_already_resolved: 409,
  /** Nothing to cancel. */
  no_turn_running: 409,
  no_active_release: 409,
  /** The same Idempotency-Key with another body. */
  idempotency_mismatch: 409,
  /** The name belongs to another folder. */
  project_name_taken: 409,
  /** The events asked for are older than what is kept; carries `oldest_seq`. */
  cursor_expired: 410,
  /** The body is over the limit; carries `limit_bytes`. */
  body_too_large: 413,
  /** The body is not `application/json`. */
  unsupported_media_type: 415,
  /** A field is missing, of the wrong type, or out of range; carries `issues`. */
  invalid_request: 422,
  /** The agent is not one of the project's; carries `known`. */
  unknown_agent: 422,
  /** The app's own policy refused the message. */
  policy_refused: 422,
  /** The folder cannot be registered: it is missing, or its files are wrong; carries `issues`. */
  invalid_project: 422,
  /** The app's entry point could not be loaded. */
  entry_point_failed: 422,
  /** Too many requests. */
  rate_limited: 429,
  /** The session's queue of waiting turns is full. */
  queue_full: 429,
  /** A bug in Karta; the log has the rest under `request_id`. */
  internal: 500,
  /** The agent's process ended in the middle of a turn. */
  harness_crashed: 502,
  /** The turn ran past `turn_timeout_seconds`. */
  harness_timeout: 502,
  /** The model's service answered with an error. */
  model_error: 502,
  /** The model's service refused the credential. */
  model_auth: 502,
  /** kartad ended while the turn was queued or running. */
  daemon_restarted: 502,
  /** The watcher read too slowly and was cut off; its cursor is still good. Never stored. */
  slow_consumer: 503,
  /** The harness cannot run now: no binary, no credential, or a project whose app does not load. */
  harness_unavailable: 503,
  /** Every process is taken and the wait queue is full or too slow. */
  pool_saturated: 503,
  /** The daemon is stopping. */
  shutting_down: 503,
  /** The store cannot be written (a full disk, say). */
  storage_unavailable: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** Codes that may end a turn's stream (spec: http-api, Messages). */
export const TURN_ERROR_CODES = [
  "harness_crashed",
  "harness_timeout",
  "harness_unavailable",
  "pool_saturated",
  "model_error",
  "model_auth",
  "budget_exhausted",
  "daemon_restarted",
  "shutting_down",
  "storage_unavailable",
  "slow_consumer",
  "cursor_expired",
  "internal",
] as const satisfies readonly ErrorCode[];
export type TurnErrorCode = (typeof TURN_ERROR_CODES)[number];

const turnCodes: ReadonlySet<string> = new Set(TURN_ERROR_CODES);

/** Narrows a code to those that may end a turn's stream. */
export function isTurnErrorCode(code: string): code is TurnErrorCode {
  return turnCodes.has(code);
}

const knownCodes = new Set<string>(Object.keys(ERROR_STATUS));

/** Narrows a string from the wire to a known code. */
export function isErrorCode(value: string): value is ErrorCode {
  return knownCodes.has(value);
}

/** One field that was wrong: where, and what was expected and found. */
export const IssueSchema = z.object({ path: z.string(), message: z.string() });
export type Issue = z.infer<typeof IssueSchema>;

/** The one error body of both planes. Extra fields belong to the code. */
export const ErrorBodySchema = z.looseObject({
  error: z.string(),
  detail: z.string(),
  issues: z.array(IssueSchema).optional(),
});
export type ErrorBody = z.infer<typeof ErrorBodySchema>;

export interface KartaErrorOptions {
  /** Extra fields of the error body, as the code's comment names them. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The fields that were wrong (422). */
  readonly issues?: readonly Issue[];
  /** When trying again makes sense; becomes the `Retry-After` header. Whole seconds. */
  readonly retryAfterSeconds?: number;
  /** Instead of the code's own status: a turn that fails after output is 502, whatever its code. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** An error that a client may see. Anything else that is thrown becomes `internal` at the boundary. */
export class KartaError extends Error {
  override readonly name = "KartaError";
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly issues: readonly Issue[];
  readonly retryAfterSeconds: number | null;
  readonly status: number;

  /**
   * @param code what happened, for programs
   * @param detail what happened and what to do, for people; never a secret
   */
  constructor(code: ErrorCode, detail: string, options: KartaErrorOptions = {}) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
    this.issues = options.issues ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.status = options.status ?? ERROR_STATUS[code];
  }

  /** The wire form. */
  toBody(): ErrorBody {
    return {
      error: this.code,
      detail: this.message,
      ...this.fields,
      ...(this.issues.length > 0 ? { issues: [...this.issues] } : {}),
    };
  }

  /**
   * Rebuilds the error a daemon sent. An unknown code (a newer daemon's) becomes `internal` and keeps its text.
   * @param answer what came beside the body
   */
  static fromBody(
    body: ErrorBody,
    answer: Pick<KartaErrorOptions, "status" | "retryAfterSeconds"> = {},
  ): KartaError {
    const { error, detail, issues, ...fields } = body;
    const code = isErrorCode(error) ? error : "internal";
    return new KartaError(code, detail, { fields, issues: issues ?? [], ...answer });
  }
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`…); null for anything else that was thrown. */
export function systemErrorCode(error: unknown): string | null {
  // Not `instanceof Error`: an error of another realm (jest's, a vm's) is one too.
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : null;
}

/** Turns zod's findings into the wire's issues: a dotted path and what was expected and found. */
export function issuesFromZod(error: z.ZodError): Issue[] {
  return error.issues.map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }));
}
