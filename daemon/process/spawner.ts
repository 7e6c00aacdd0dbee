/** The one place where kartad starts a child. Each gets a process group of its own and is known to the guard. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import type { Logger } from "pino";
import { newId } from "../../shared/ids.ts";
import { outsideLogContext } from "../log/context.ts";
import { Escapees } from "./escapees.ts";
import { Guard } from "./guard.ts";
import type { ProcessJournal } from "./journal.ts";
import { INSTANCE_VARIABLE, PROCESS_VARIABLE } from "./marks.ts";
import {
  describeExit,
  neverStarted,
  type ManagedProcess,
  type ProcessExit,
  type SpawnRequest,
} from "./process.ts";
import { endGroup } from "./process-group.ts";
import type { Sandbox } from "./sandbox.ts";
import type { TempFolders } from "./temp-folders.ts";

/** A harness flushes its transcript on SIGTERM; measured well under a second. */
const DEFAULT_GRACE_MS = 2000;
/** What a leader leaves behind (MCP servers whose stdin has just closed) gets this long to end by itself. */
const STRAGGLER_GRACE_MS = 500;
const STOPPING = { code: "ECANCELED", detail: "kartad is stopping" };

/** Owner: the composition root. `stopAll()` frees every child; the guard does it where kartad can't. */
export class ProcessSpawner {
  readonly #live = new Set<ManagedProcess>();
  readonly #instance = newId("inst");
  readonly #guard: Guard;
  readonly #escapees = new Escapees();
  readonly #journal: ProcessJournal | null;
  readonly #temp: TempFolders | null;
  readonly #sandbox: Sandbox | null;
  readonly #log: Logger;
  #isClosed = false;

  /**
   * @param options.journal where children are written down for the next start; left out, the guard is alone
   * @param options.temp where their temporary files go; left out, to the system's place
   * @param options.sandbox what makes sandboxes; left out, a child that wants one is not started
   */
  constructor(options: {
    readonly logger: Logger;
    readonly journal?: ProcessJournal;
    readonly temp?: TempFolders;
    readonly sandbox?: Sandbox;
  }) {
    this.#log = options.logger.child({ part: "process" });
    this.#journal = options.journal ?? null;
    this.#temp = options.temp ?? null;
    this.#sandbox = options.sandbox ?? null;
    this.#guard = new Guard({
      instance: this.#instance,
      onRestart: () => this.#log.warn("the guard process died and was started again"),
    });
  }

  /** Processes that have not ended. */
  get live(): ReadonlySet<ManagedProcess> {
    return this.#live;
  }

  /**
   * Starts a program. Never throws: a program that is missing or a system out of processes shows as an `exited` of
   * kind `not_started`, and so does every program after `stopAll`, and one whose sandbox cannot be made.
   */
  spawn(request: SpawnRequest): ManagedProcess {
    return outsideLogContext(() => this.#spawn(request)); // it outlives the turn that it is started for
  }

  #spawn(request: SpawnRequest): ManagedProcess {
    const id = newId("proc");
    if (this.#isClosed) return neverStarted(id, request.purpose, STOPPING);
    const isSandboxed = request.sandbox !== undefined;
    const wantsTemp = isSandboxed || request.tempVariables !== undefined;
    const temp = wantsTemp ? (this.#temp?.make(id) ?? null) : null;
    const run = isSandboxed ? this.#sandboxed(request, temp) : request;
    if (run === null) {
      void this.#temp?.remove(id);
      return neverStarted(id, request.purpose, { code: "ENOTSUP", detail: "its sandbox cannot be made" });
    }
    this.#journal?.add(id); // before it is there: kartad may die at any line
    const tempNames = temp === null ? [] : (request.tempVariables ?? []);
    const subprocess = execa(run.command, run.args, {
      cwd: request.cwd,
      env: {
        ...request.env,
        ...Object.fromEntries(tempNames.map((name) => [name, temp ?? ""])),
        [PROCESS_VARIABLE]: id,
        [INSTANCE_VARIABLE]: this.#instance,
      },
      extendEnv: false,
      detached: true, // setsid: a group of its own
      cleanup: false, // the guard and `stopAll` do it, for the whole group
      buffer: false,
      reject: false,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      stripFinalNewline: false,
    });
    const pid = subprocess.pid ?? null;
    if (pid !== null) this.#guard.add(pid);
    subprocess.stdin.on("error", () => undefined); // EPIPE after its death: `exited` tells

    let exit: ProcessExit | null = null;
    let ending: Promise<void> | null = null; // one end of the group at a time: `stop` or the sweep after its exit
    // The leader's own `exit`, not the end of its streams: a straggler that holds stdout open must not delay the sweep.
    // A program that could not be started has no `exit`; execa's own result tells.
    const ended = new Promise<ProcessExit>((resolve) => {
      subprocess.nodeChildProcess.once("exit", (code, signal) =>
        resolve(
          code === null ? { kind: "signalled", signal: signal ?? "SIGKILL" } : { kind: "exited", code },
        ),
      );
      void subprocess.then((result) => {
        if (pid === null)
          resolve({
            kind: "not_started",
            code: result.code ?? "UNKNOWN",
            detail: result.originalMessage ?? "",
          });
      });
    });
    const exited = ended.then(async (how) => {
      exit = how;
      this.#log.debug(
        { process_id: id, pid, purpose: request.purpose },
        `${request.command} ${describeExit(how)}`,
      );
      if (pid !== null) {
        ending ??= endGroup(pid, STRAGGLER_GRACE_MS);
        await ending;
        await this.#escapees.end(id);
        this.#guard.remove(pid);
      }
      await this.#temp?.remove(id);
      this.#journal?.remove(id);
      this.#live.delete(managed);
      return how;
    });

    const managed: ManagedProcess = {
      id,
      purpose: request.purpose,
      pid,
      temp,
      stdin: subprocess.stdin,
      stdout: subprocess.stdout,
      stderr: subprocess.stderr,
      exited,
      get exit() {
        return exit;
      },
      stop: async (graceMs = DEFAULT_GRACE_MS) => {
        if (pid !== null) ending ??= endGroup(pid, graceMs);
        await exited;
      },
    };
    this.#live.add(managed);
    return managed;
  }

  /** The command in its sandbox; null: there is none, or no room for what the child writes in it. */
  #sandboxed(request: SpawnRequest, temp: string | null): Pick<SpawnRequest, "command" | "args"> | null {
    if (this.#sandbox === null || temp === null) return null;
    const places = [...(request.sandbox ?? []), { path: temp, access: "write" as const }];
    try {
      return this.#sandbox.wrap(request, places, (name) => {
        const folder = path.join(temp, name);
        mkdirSync(folder, { mode: 0o700 });
        return folder;
      });
    } catch {
      return null; // the disk is full
    }
  }

  /** Ends every child and the guard. Resolves when no process of any group is left. */
  async stopAll(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#live].map((child) => child.stop(graceMs)));
    this.#guard.close();
  }
}
