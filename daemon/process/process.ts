/**
 * A child process as the rest of the daemon sees it. Every child of kartad is started by `ProcessSpawner` and is the
 * leader of a process group of its own, so that what it starts (MCP servers, shells) ends with it.
 */
import { PassThrough, type Readable, type Writable } from "node:stream";
import type { Id } from "../../shared/ids.ts";
import type { SandboxPlace } from "./sandbox.ts";

export type ProcessPurpose = "harness" | "entry-point" | "app" | "setup";

export interface SpawnRequest {
  readonly purpose: ProcessPurpose;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing is inherited from kartad. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables that name a folder for temporary files, which is the child's own and goes with it; left out: none does. */
  readonly tempVariables?: readonly string[];
  /** Runs it in a sandbox with these places of its own (sandbox.ts), or not at all; left out: without one. */
  readonly sandbox?: readonly SandboxPlace[] | undefined;
}

/** How a process ended. */
export type ProcessExit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  /** It never ran: no such program, no permission, or the system is out of processes. `code` is the errno name. */
  | { readonly kind: "not_started"; readonly code: string; readonly detail: string };

export interface ManagedProcess {
  readonly id: Id<"proc">;
  readonly purpose: ProcessPurpose;
  /** Null when it could not be started; `exited` then says why. */
  readonly pid: number | null;
  /** Its folder for temporary files; null: it has none of its own. */
  readonly temp: string | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once, when the process has ended or could not be started. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** The exit, once it is known. */
  readonly exit: ProcessExit | null;
  /**
   * Ends the whole group: SIGTERM, then SIGKILL after `graceMs`. Resolves when no process of the group is left, nor (on
   * Linux) anything that the child started and that has moved to another.
   * Calling it again, or on a process that has ended, is harmless.
   */
  stop(graceMs?: number): Promise<void>;
}

/** @param why what `exited` says of a program that was not even tried */
export function neverStarted(
  id: Id<"proc">,
  purpose: ProcessPurpose,
  why: { readonly code: string; readonly detail: string },
): ManagedProcess {
  const exit: ProcessExit = { kind: "not_started", ...why };
  const nothing = (): PassThrough => new PassThrough().end().resume();
  return {
    id,
    purpose,
    pid: null,
    temp: null,
    stdin: new PassThrough().resume(),
    stdout: nothing(),
    stderr: nothing(),
    exited: Promise.resolve(exit),
    exit,
    stop: () => Promise.resolve(),
  };
}

/** A sentence for logs and errors. */
export function describeExit(exit: ProcessExit): string {
  switch (exit.kind) {
    case "exited":
      return `exited with code ${exit.code}`;
    case "signalled":
      return `was ended by ${exit.signal}`;
    case "not_started":
      return `could not be started (${exit.code}): ${exit.detail}`;
  }
}
