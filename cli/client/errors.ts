/** Errors of the CLI's own making. What the daemon sends stays a `KartaError`. */
import { CLI_EXIT } from "../../shared/exit-codes.ts";
import type { ErrorBody, Issue } from "../../shared/errors.ts";

/** Code → exit code. The comment says when it is raised. */
export const CLI_ERROR_EXIT = {
  /** Nothing listens on the control socket. */
  no_daemon: CLI_EXIT.no_daemon,
  /** The daemon answered, then the connection broke. */
  daemon_went_away: CLI_EXIT.no_daemon,
  /** A flag or argument that cannot be used. */
  bad_usage: CLI_EXIT.bad_usage,
  /** A shortened id that more than one session begins with; carries `candidates`. */
  ambiguous_id: CLI_EXIT.bad_usage,
  /** A kartad with other settings is running. */
  already_running: CLI_EXIT.refused,
  /** An answer for a session in which nothing waits for one. */
  nothing_waits: CLI_EXIT.refused,
  /** kartad ended before its socket answered; carries `exit_code`. */
  start_failed: CLI_EXIT.failed,
  /** kartad did not start or stop in the time given. */
  timed_out: CLI_EXIT.failed,
  /** An answer that this version of the CLI cannot read. */
  bad_answer: CLI_EXIT.failed,
} as const;
export type CliErrorCode = keyof typeof CLI_ERROR_EXIT;

export interface CliErrorOptions {
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly issues?: readonly Issue[];
  readonly cause?: unknown;
}

/** An error for the person at the terminal: what happened and what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly issues: readonly Issue[];

  constructor(code: CliErrorCode, detail: string, options: CliErrorOptions = {}) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
    this.issues = options.issues ?? [];
  }

  get exitCode(): number {
    return CLI_ERROR_EXIT[this.code];
  }

  /** The same form that the daemon's errors have on the wire. */
  toBody(): ErrorBody {
    return {
      error: this.code,
      detail: this.message,
      ...this.fields,
      ...(this.issues.length > 0 ? { issues: [...this.issues] } : {}),
    };
  }
}

/** Nobody answers on the control socket, or nobody may be asked. */
export class NoDaemonError extends CliError {
  constructor(socket: string, cause: unknown) {
    const denied = systemCode(cause) === "EACCES" || systemCode(cause) === "EPERM";
    super(
      "no_daemon",
      denied
        ? `the socket ${socket} belongs to another user; run karta as the user who started kartad`
        : `no kartad answers on ${socket}; start one with \`karta start\`, or \`karta serve\` to watch it`,
      { fields: { socket }, cause },
    );
  }
}

/** The connection broke after the daemon had taken the request. */
export class WentAwayError extends CliError {
  constructor(socket: string, cause: unknown) {
    super(
      "daemon_went_away",
      `kartad on ${socket} went away before its answer was complete; \`karta status\` says more`,
      {
        fields: { socket },
        cause,
      },
    );
  }
}

/** A wrong flag or argument: exit code 2. */
export function badUsage(detail: string, cause?: unknown): CliError {
  return new CliError("bad_usage", detail, cause === undefined ? {} : { cause });
}

/** `code` of an error from the operating system, or null. Read by its shape: jest's errors are of another realm. */
export function systemCode(error: unknown): string | null {
  const hasCode = typeof error === "object" && error !== null && "code" in error;
  return hasCode && typeof error.code === "string" ? error.code : null;
}

/** Codes of `connect` that mean that nobody listens. */
const NOBODY_LISTENS = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK", "ENOTDIR", "EACCES", "EPERM"]);

/** Turns a failed connection into one of the two errors above; anything else is passed on as it is. */
export function connectionError(socket: string, error: unknown): Error {
  const code = systemCode(error);
  if (code !== null && NOBODY_LISTENS.has(code)) return new NoDaemonError(socket, error);
  if (code === "ECONNRESET" || code === "EPIPE") return new WentAwayError(socket, error);
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
