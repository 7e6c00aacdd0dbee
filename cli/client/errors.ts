/** Errors of the CLI's own making. What the daemon sends stays a `KartaError`. */
import { CLI_EXIT } from "../../shared/exit-codes.ts";
import { ConnectionError, UnreadableAnswerError } from "../../shared/client/errors.ts";
import { systemErrorCode, type ErrorBody, type Issue } from "../../shared/errors.ts";

/** Code → exit code. The comment says when it is raised. */
const CLI_ERROR_EXIT = {
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
  /** An address that others reach, without an API key. */
  unsafe_bind: CLI_EXIT.refused,
  /** A file that would be overwritten. */
  file_exists: CLI_EXIT.refused,
  /** A file that cannot be read or written. */
  bad_file: CLI_EXIT.failed,
  /** What a service needs is not there: a manager that answers, rights, an address that can be handed over. */
  no_service: CLI_EXIT.refused,
  /** systemctl or launchctl failed; carries `command`, `output`. */
  service_failed: CLI_EXIT.failed,
  /** An answer for a session in which nothing waits for one. */
  nothing_waits: CLI_EXIT.refused,
  /** kartad ended before its socket answered; carries `exit_code`. */
  start_failed: CLI_EXIT.failed,
  /** kartad ended with a refusal, which is told. */
  kartad_refused: CLI_EXIT.failed,
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
    const denied = systemErrorCode(cause) === "EACCES" || systemErrorCode(cause) === "EPERM";
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

/** What a failed request or handshake means at the terminal; anything else is passed on as it is. */
export function explained(socket: string, error: unknown): Error {
  if (error instanceof ConnectionError) {
    return error.failure === "refused"
      ? new NoDaemonError(socket, error.cause)
      : new WentAwayError(socket, error.cause);
  }
  if (error instanceof UnreadableAnswerError) {
    const { issues } = error;
    return new CliError("bad_answer", `this karta cannot read kartad: ${error.message}`, {
      issues,
      cause: error,
    });
  }
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
