/** A kartad that is started again each time it ends, as a service manager does it, and what was seen of each of its lives. */
import { setTimeout as delay } from "node:timers/promises";
import type { Kartad } from "../../../support/kartad.ts";
import { eventually } from "../../../support/processes.ts";
import { familyOf, stillRunning } from "./family.ts";

/** Between an end and the next start: `RestartSec`, shortened. */
const RESTART_MS = 100;

export interface KeptKartadOptions {
  readonly start: () => Promise<Kartad>;
  /** A start failed, or it ended without being told to. */
  readonly onTrouble: (what: string) => void;
  /** Whether a start that began then may fail: the disk has been full. */
  readonly mayNotStart: (since: number) => boolean;
}

/** Owner: the scene. `stop()` ends it for good. */
export class KeptKartad {
  /** Processes of ended lives that went on after it, as far as they were found. */
  readonly orphans: string[] = [];
  /** What each of its lives said on standard error. */
  readonly logs: (() => string)[] = [];
  failedStarts = 0;
  /** How long it was not there, in all. */
  awayMs = 0;
  readonly #options: KeptKartadOptions;
  #running: Kartad | null = null;
  #url = "http://127.0.0.1:9";
  /** Settles when it listens again. */
  #coming: Promise<void> = Promise.resolve();
  /** Its end is somebody's wish. */
  #isEnding = false;
  /** It is not started again. */
  #isOver = false;

  constructor(options: KeptKartadOptions) {
    this.#options = options;
  }

  /** Of the one that runs, or ran last. */
  get url(): string {
    return this.#url;
  }

  /** Null while it is away. */
  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  /** Resolves when it runs. */
  async ready(): Promise<Kartad> {
    for (;;) {
      await this.#coming;
      if (this.#running !== null) return this.#running;
      await delay(RESTART_MS);
    }
  }

  start(): Promise<void> {
    this.#coming = this.#bring();
    return this.#coming;
  }

  /** SIGKILL, and it is started again. Resolves when it is back, and what it had started is gone. */
  crash(): Promise<void> {
    return this.#again("SIGKILL");
  }

  /** SIGTERM, and it is started again. */
  drain(): Promise<void> {
    return this.#again("SIGTERM");
  }

  /** SIGTERM, for good. @returns its exit code */
  async stop(): Promise<number | null> {
    const running = await this.ready();
    this.#isOver = true;
    return this.#end(running, "SIGTERM");
  }

  /** It is not started again, whatever becomes of it. */
  release(): void {
    this.#isOver = true;
  }

  async #again(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const running = await this.ready();
    const code = await this.#end(running, signal);
    if (signal === "SIGTERM" && code !== 0)
      this.#options.onTrouble(
        `kartad ended with ${code} when it was told to stop: ${running.log().slice(-2000)}`,
      );
    await this.start();
  }

  async #end(running: Kartad, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    this.#isEnding = true;
    const family = familyOf(running.pid);
    const { code } = await (signal === "SIGKILL" ? running.kill() : running.stop());
    this.#running = null;
    // Those that it started after we looked are found by their environment at the end of the run.
    await eventually(
      () => stillRunning(family).length === 0,
      "the children of a kartad that ended are gone",
    ).catch(() => this.orphans.push(...stillRunning(family).map(({ pid, command }) => `${pid} ${command}`)));
    this.#isEnding = false;
    return code;
  }

  async #bring(): Promise<void> {
    const awaySince = performance.now();
    while (!this.#isOver) {
      await delay(RESTART_MS);
      const since = performance.now();
      try {
        const kartad = await this.#options.start();
        this.#running = kartad;
        this.awayMs += performance.now() - awaySince;
        this.#url = kartad.url;
        this.logs.push(() => kartad.log());
        void kartad.exited.then(({ code, signal, stderr }) =>
          this.#ended(kartad, `${code ?? signal}: ${stderr.slice(-2000)}`),
        );
        return;
      } catch (error) {
        this.failedStarts += 1;
        if (!this.#options.mayNotStart(since)) {
          this.#options.onTrouble(`kartad did not start: ${String(error).slice(0, 2000)}`);
          await delay(1000);
        }
      }
    }
  }

  #ended(kartad: Kartad, how: string): void {
    if (this.#isEnding || this.#isOver || this.#running !== kartad) return;
    this.#options.onTrouble(`kartad ended by itself: ${how}`);
    this.#running = null;
    void this.start();
  }
}
