/** Runs the built `karta` as a user does: a child process with its own home, socket and configuration. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { runInProcess } from "../support/karta-in-process.ts";

/** The package whose launcher runs; KARTA_TEST_PACKAGE names another build. */
export const packageUnderTest = process.env.KARTA_TEST_PACKAGE ?? path.resolve(import.meta.dirname, "../..");

/** Whether `onTerminal` works here: the flags are those of util-linux's `script`. */
export const hasTerminals = process.platform === "linux" && existsSync("/usr/bin/script");

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home of its own. Short, since a socket's path has a limit of about 100 bytes. */
export class CliHome {
  readonly folder = mkdtempSync(path.join(tmpdir(), "kcli-"));
  readonly socket = path.join(this.folder, "k.sock");
  readonly #running = new Set<Running>();
  package = packageUnderTest;

  /** Starts `karta …` and returns at once. */
  open(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(process.execPath, [path.join(this.package, "cli/bin/karta.js"), ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...this.#environment(), ...environment },
    });
    const running = new Running(child);
    this.#running.add(running);
    return running;
  }

  /** The same on a terminal, which `script` lends: its stdout is the screen, its stdin the keyboard. */
  onTerminal(args: readonly string[]): Running {
    const command = [process.execPath, path.join(this.package, "cli/bin/karta.js"), ...args].join(" ");
    const child = spawn("script", ["-qefc", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        KARTA_CONFIG_HOME: path.join(this.folder, "config"),
        KARTA_SOCKET: this.socket,
        TERM: "xterm",
        NO_COLOR: "1",
      },
    });
    const running = new Running(child);
    this.#running.add(running);
    return running;
  }

  /** Runs `karta …` to its end. */
  async run(
    args: readonly string[],
    stdin = "",
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    const running = this.open(args, environment);
    running.child.stdin?.end(stdin);
    return running.ended();
  }

  /** The same without a process of its own, for what a command prints and exits with: one at a time. */
  ask(args: readonly string[]): Promise<Outcome> {
    return runInProcess(this.package, args, this.#environment());
  }

  #environment(): NodeJS.ProcessEnv {
    const { NO_COLOR: _n, FORCE_COLOR: _f, NODE_OPTIONS: _o, ...inherited } = process.env;
    return {
      ...inherited,
      HOME: this.folder,
      XDG_CACHE_HOME: path.join(this.folder, "cache"),
      XDG_STATE_HOME: path.join(this.folder, "state"),
      KARTA_CONFIG_HOME: path.join(this.folder, "config"),
      KARTA_SOCKET: this.socket,
      TZ: "UTC",
    };
  }

  remove(): void {
    for (const { child } of this.#running)
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Running {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #closed: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    child.stdin?.on("error", () => undefined); // a child that ends before it has read
    this.#closed = once(child, "close");
  }

  /** Resolves once the stream's text so far matches. */
  async until(stream: "stdout" | "stderr", pattern: RegExp): Promise<void> {
    const source = this.child[stream];
    while (!pattern.test(this[stream])) {
      if (source === null) throw new Error(`no ${stream}`);
      const ended = this.#closed.then(() => "ended" as const);
      if ((await Promise.race([once(source, "data"), ended])) === "ended" && !pattern.test(this[stream])) {
        throw new Error(`ended without ${String(pattern)}; stdout: ${this.stdout}; stderr: ${this.stderr}`);
      }
    }
  }

  async ended(): Promise<Outcome> {
    await this.#closed;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}
