/** One child that holds a loaded app and runs its code. What it can't be made to end, it is ended for. */
import { LastWords } from "../process/last-words.ts";
import { describeExit, type ManagedProcess } from "../process/process.ts";
import type { AppCall } from "./app-call.ts";
import type { AppLimits } from "./app-limits.ts";
import { lastLine } from "./bounded-run.ts";
import { ImportOutcomeSchema, type ImportOutcome } from "./protocol.ts";
import { RpcConnection, type RpcAnswer } from "./rpc-connection.ts";
import type { AppContext } from "./worker-protocol.ts";

export interface WorkerOptions {
  readonly process: ManagedProcess;
  readonly limits: AppLimits;
  /** Frees what it printed of the app's secrets. */
  readonly redact: (text: string) => string;
  /** It does not answer: end it. */
  readonly onStuck: (why: string) => void;
  /** It was not sure to answer, and has: calls may go to it again. */
  readonly onHeard: () => void;
  /** What it said is no answer: end it. It settles all its calls. */
  readonly onBreach: (what: string) => void;
  /** It answers, but so much code goes on past its deadline that another should take its place. Told once, as are these all. */
  readonly onWorn: () => void;
}

const STOP_GRACE_MS = 500;

/** Owner: an `AppWorker`. */
export class Worker {
  readonly process: ManagedProcess;
  readonly #rpc: RpcConnection;
  readonly #options: WorkerOptions;
  /** Calls that have no outcome yet. */
  readonly #running = new Set<AppCall>();
  #overdue = 0;
  /** Cancels that are not answered yet. */
  #unheard = 0;
  #isReplaced = false;
  readonly #lastWords: LastWords;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.process = options.process;
    this.#lastWords = new LastWords(options.redact);
    this.#rpc = new RpcConnection({
      requests: this.process.stdin,
      answers: this.process.stdout,
      onBreach: (what) => this.#once(() => options.onBreach(what)),
    });
    this.process.stderr.on("data", (chunk: Buffer) => this.#lastWords.add(chunk));
    void this.process.exited.then((exit) => {
      this.#rpc.close();
      for (const call of this.#running) call.settle({ kind: "lost", detail: `it ${describeExit(exit)}` });
    });
  }

  /** Calls that were given up, and whose code goes on. */
  get overdue(): number {
    return this.#overdue;
  }

  /** True while it owes the answer that tells whether it is stuck, and once it has died: a call that it gets now would be lost with it. */
  get isInDoubt(): boolean {
    return this.#unheard > 0 || this.process.exit !== null;
  }

  /** Imports the app. Null: the worker ended, or said what is no outcome. */
  async load(context: AppContext): Promise<ImportOutcome | null> {
    const answer = await this.#rpc.request("load", { context }).answer;
    return answer.kind === "result" ? (ImportOutcomeSchema.safeParse(answer.value).data ?? null) : null;
  }

  /** Runs a call that has not settled. */
  run(call: AppCall): void {
    this.#running.add(call);
    void call.outcome.then(() => this.#running.delete(call));
    const { id, answer } = this.#rpc.request(call.method, call.params);
    let isOver = false;
    void answer.then((came) => {
      isOver = true;
      settle(call, came);
    });
    call.onGivenUp = () => void this.#giveUp(id, answer, () => isOver);
  }

  /** Lets the calls that run finish for up to `graceMs`, then ends the child. Resolves when nothing of it is left. */
  async retire(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
    await Promise.race([Promise.all([...this.#running].map((call) => call.outcome)), deadline]);
    clearTimeout(timer);
    await this.end();
  }

  /** Ends the child now. */
  async end(): Promise<void> {
    this.#isReplaced = true;
    this.process.stdin.end(); // a worker ends with its input; code that holds it up is ended
    await this.process.stop(STOP_GRACE_MS);
  }

  /** How it ended, with its last line: for logs. */
  async lastWords(): Promise<string> {
    const line = lastLine(this.#lastWords.text);
    return `${describeExit(await this.process.exited)}${line === null ? "" : `; its last line: ${line}`}`;
  }

  async #giveUp(id: number, answer: Promise<RpcAnswer>, isOver: () => boolean): Promise<void> {
    if (isOver()) return;
    const { cancelAnswerMs, cancelHeedMs, maxOverdue } = this.#options.limits;
    this.#unheard += 1;
    const heard = await within(cancelAnswerMs, this.#rpc.request("cancel", { call: id }).answer);
    this.#unheard -= 1;
    if (heard && !this.isInDoubt) this.#options.onHeard();
    if (!heard) {
      if (this.process.exit === null) this.#once(() => this.#options.onStuck("it held up a deadline"));
      return;
    }
    if (await within(cancelHeedMs, answer)) return;
    this.#overdue += 1;
    void answer.then(() => (this.#overdue -= 1));
    if (this.#overdue >= maxOverdue) this.#once(this.#options.onWorn);
  }

  /** The first reason to replace it is the one. */
  #once(tell: () => void): void {
    if (this.#isReplaced) return;
    this.#isReplaced = true;
    tell();
  }
}

function settle(call: AppCall, came: RpcAnswer): void {
  switch (came.kind) {
    case "result":
      call.settle({ kind: "answered", value: came.value });
      return;
    case "error":
      call.settle({ kind: "failed", message: came.message });
      return;
    case "broken":
      call.settle({ kind: "lost", detail: "it ended" });
      return;
  }
}

async function within(ms: number, what: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const inTime = await Promise.race([what.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
