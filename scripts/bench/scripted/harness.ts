/**
 * The scripted harness, under the name that kartad's registry asks for. Its agents live in one real child, each with a
 * stream of its own, as pipes to three hundred agents would be; a node process each would measure the machine instead.
 */
import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import path from "node:path";
import type {
  AgentProcess,
  Availability,
  Harness,
  HarnessBinary,
  StartRequest,
  Transcript,
  TurnEnd,
  TurnRequest,
} from "../../../daemon/harness/harness.ts";
import type { ManagedProcess, ProcessExit } from "../../../daemon/process/process.ts";
import type { ProcessSpawner } from "../../../daemon/process/spawner.ts";
import { newId } from "../../../shared/ids.ts";
import { END } from "./protocol.ts";

const COMPLETED: TurnEnd = {
  kind: "completed",
  usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
};

/** The child, and where it listens. */
interface Hub {
  readonly process: ManagedProcess;
  readonly socketPath: string;
}

export class ClaudeCode implements Harness {
  readonly type = "claude-code";
  #hub: Promise<Hub> | null = null;

  availability(): Availability {
    return { kind: "available", credential: "the bench's script" };
  }

  binary(): Promise<HarnessBinary> {
    return Promise.resolve({
      kind: "found",
      path: process.execPath,
      version: "scripted",
      protocol: "lines of JSON",
    });
  }

  ownAgents(): readonly string[] {
    return [];
  }

  takesImages(): boolean {
    return false;
  }

  transcript(): Promise<Transcript> {
    return Promise.resolve({ kind: "none" });
  }

  async start({ thread, spawner }: StartRequest): Promise<AgentProcess> {
    this.#hub ??= startHub(spawner);
    const hub = await this.#hub;
    const socket = connect(hub.socketPath);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new ScriptedAgent(
      processOf(hub, socket),
      socket,
      thread.kind === "resume" ? thread.threadId : randomUUID(),
    );
  }
}

async function startHub(spawner: ProcessSpawner): Promise<Hub> {
  const child = spawner.spawn({
    purpose: "harness",
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", path.join(import.meta.dirname, "agents.ts")],
    cwd: "/",
    env: {},
  });
  const socketPath = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once("line", resolve);
  });
  return { process: child, socketPath };
}

/** What kartad takes for the agent's process: it ends with the agent's own stream, not with the child that all share. */
function processOf({ process: child }: Hub, socket: Socket): ManagedProcess {
  let exit: ProcessExit | null = null;
  const exited = new Promise<ProcessExit>((resolve) => {
    socket.once("close", () => resolve((exit = { kind: "exited", code: 0 })));
  });
  return {
    id: newId("proc"),
    purpose: "harness",
    pid: child.pid,
    temp: null,
    stdin: socket,
    stdout: socket,
    stderr: child.stderr,
    exited,
    get exit() {
      return exit;
    },
    stop: async () => {
      socket.destroy();
      await exited;
    },
  };
}

/** Owner: kartad's pool. */
class ScriptedAgent implements AgentProcess {
  readonly isOpen = true;
  readonly process: ManagedProcess;
  readonly threadId: string;
  readonly #socket: Socket;
  #turn: { readonly request: TurnRequest; readonly end: (end: TurnEnd) => void } | null = null;
  #rest = "";

  constructor(process: ManagedProcess, socket: Socket, threadId: string) {
    this.process = process;
    this.threadId = threadId;
    this.#socket = socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#receive(chunk));
  }

  run(request: TurnRequest): Promise<TurnEnd> {
    return new Promise((end) => {
      this.#turn = { request, end };
      this.#socket.write(`${request.text}\n`);
    });
  }

  cancel(): Promise<void> {
    return Promise.resolve(); // the bench cancels nothing
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  retire(): void {
    return; // none of them grows
  }

  #receive(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const text: unknown = JSON.parse(line);
      if (text === END) {
        const turn = this.#turn;
        this.#turn = null;
        turn?.end(COMPLETED);
      } else this.#turn?.request.emit({ type: "text", text: String(text) });
    }
  }
}
