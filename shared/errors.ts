/**
 * Every error that crosses a plane, once: its code, the HTTP status it travels with, and when it is used.
 * Callers match on `code`, never on a message's text. The wire form is `ErrorBody` (spec: http-api, Conventions).
 */
import { z } from "zod";

/** Code → the HTTP status it travels with, and when it is used. */
export const ERRORS = {
  invalid_json: { status: 400, when: "The body is not JSON, or is JSON but not an object." },
  bad_request: {
    status: 400,
    when: "A route parameter or query value is malformed in a way that no field schema covers.",
  },
  unauthorized: { status: 401, when: "No credential, or one that is not valid." },
  budget_exhausted: { status: 402, when: "The project's budget is spent; checked before anything runs." },
  forbidden: { status: 403, when: "A good credential for another project or scope." },
  origin_not_allowed: {
    status: 403,
    when: "A browser origin that is not on the allow-list, or a Host header that is not this daemon's.",
  },
  not_found: { status: 404, when: "No such thing, or another tenant's thing: the two are never told apart." },
  request_timeout: { status: 408, when: "The headers or the body did not arrive in time." },
  no_project: { status: 409, when: "A session was asked for with no project registered." },
  project_required: {
    status: 409,
    when: "A session was asked for with several projects registered and none named; carries `projects`.",
  },
  input_already_resolved: { status: 409, when: "The approval was answered before." },
  no_turn_running: { status: 409, when: "Nothing to cancel." },
  no_active_release: { status: 409, when: "The project has no release that is active." },
  idempotency_mismatch: { status: 409, when: "The same Idempotency-Key with another body." },
  project_name_taken: { status: 409, when: "The name belongs to another folder." },
  cursor_expired: {
    status: 410,
    when: "The events asked for are older than what is kept; carries `oldest_seq`.",
  },
  body_too_large: { status: 413, when: "The body is over the limit; carries `limit_bytes`." },
  url_too_long: { status: 414, when: "The path and query are over the limit; carries `limit_bytes`." },
  unsupported_media_type: { status: 415, when: "The body is not `application/json`." },
  invalid_request: {
    status: 422,
    when: "A field is missing, of the wrong type, or out of range; carries `issues`.",
  },
  unknown_agent: { status: 422, when: "The agent is not one of the project's; carries `known`." },
  policy_refused: { status: 422, when: "The app's own policy refused the message." },
  invalid_project: {
    status: 422,
    when: "The folder cannot be registered: it is missing, or its files are wrong; carries `issues`.",
  },
  invalid_backup: { status: 422, when: "The file is no whole backup of this Karta or an older one." },
  entry_point_failed: { status: 422, when: "The app's entry point could not be loaded." },
  rate_limited: { status: 429, when: "Too many requests from this address." },
  queue_full: { status: 429, when: "The session's queue of waiting turns is full." },
  headers_too_large: {
    status: 431,
    when: "The request line and headers are over the limit; carries `limit_bytes`.",
  },
  internal: { status: 500, when: "A bug in Karta; the log has the rest under `request_id`." },
  harness_crashed: { status: 502, when: "The agent's process ended in the middle of a turn." },
  harness_timeout: { status: 502, when: "The turn ran past `turn_timeout_seconds`." },
  model_error: { status: 502, when: "The model's service answered with an error." },
  model_auth: { status: 502, when: "The model's service refused the credential." },
  daemon_restarted: { status: 502, when: "kartad ended while the turn was queued or running." },
  slow_consumer: {
    status: 503,
    when: "The watcher read too slowly and was cut off; its cursor is still good. Never stored.",
  },
  harness_unavailable: {
    status: 503,
    when: "The harness cannot run now: no binary, no credential, or a project whose app does not load.",
  },
  pool_saturated: { status: 503, when: "Every process is taken and the wait queue is full or too slow." },
  too_many_connections: { status: 503, when: "As many connections are open as may be." },
  shutting_down: { status: 503, when: "The daemon is stopping." },
  storage_unavailable: { status: 503, when: "The store cannot be written (a full disk, say)." },
} as const satisfies Record<string, { readonly status: number; readonly when: string }>;

export type ErrorCode = keyof typeof ERRORS;

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

const knownCodes = new Set<string>(Object.keys(ERRORS));

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
    this.status = options.status ?? ERRORS[code].status;
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

/** Turns zod's findings into the wire's issues, the first `most` of them: a dotted path, what was expected and found. */
export function issuesFromZod(error: z.ZodError, most = Infinity): Issue[] {
  return error.issues.slice(0, most).map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }));
}
