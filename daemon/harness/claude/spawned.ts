/** A managed process in the form the Agent SDK wants from its spawn hook. */
import { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { SpawnedProcess } from "@anthropic-ai/claude-agent-sdk";
import type { ManagedProcess } from "../../process/process.ts";

type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** The SDK ends its child by `kill`; here that ends the whole group, and the pool still owns the process. */
export class SpawnedAgent extends EventEmitter implements SpawnedProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  killed = false;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly #process: ManagedProcess;

  constructor(process: ManagedProcess) {
    super();
    this.#process = process;
    this.stdin = process.stdin;
    this.stdout = process.stdout;
    void process.exited.then((exit) => {
      if (exit.kind === "not_started") {
        this.exitCode = 127;
        this.emit("error", Object.assign(new Error(exit.detail), { code: exit.code }));
        return;
      }
      const { code, signal } = asNodeExit(exit);
      this.exitCode = code;
      this.signalCode = signal;
      this.emit("exit", code, signal);
    });
    this.on("error", () => undefined); // the SDK listens too; an unlistened `error` must not end kartad
  }

  kill(signal: NodeJS.Signals): boolean {
    this.killed = true;
    void this.#process.stop(signal === "SIGKILL" ? 0 : undefined);
    return true;
  }
}

function asNodeExit(exit: { kind: "exited"; code: number } | { kind: "signalled"; signal: string }): Exit {
  switch (exit.kind) {
    case "exited":
      return { code: exit.code, signal: null };
    case "signalled":
      return { code: null, signal: exit.signal === "SIGTERM" ? "SIGTERM" : "SIGKILL" };
  }
}
