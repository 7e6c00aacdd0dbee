/** Runs a child to its end, with a deadline and a bound on what it may write. */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { headOf } from "../process/last-words.ts";
import type { ManagedProcess, ProcessExit } from "../process/process.ts";

export interface BoundedRunOptions {
  readonly timeoutMs: number;
  /** Stdout and stderr together; past it the child is ended. Left out: no bound, only the tails are kept. */
  readonly maxBytes?: number;
  /** Bytes kept of the end of each stream. */
  readonly tailBytes: number;
  /** True once stdout holds what the child was started for: from then on it has `LINGER_MS` to end. */
  readonly isComplete?: (stdout: string) => boolean;
  /** All that the child finds on its stdin; nothing when left out. */
  readonly input?: string;
  /** Ends the child early. */
  readonly signal?: AbortSignal;
}

export interface BoundedRun {
  readonly exit: ProcessExit;
  /** What ended it; the first cause wins. */
  readonly cause: "itself" | "deadline" | "flood" | "complete" | "aborted";
  /** The last `tailBytes` of each stream. */
  readonly stdout: string;
  readonly stderr: string;
  /** The last `tailBytes` of both, in the order of arrival. */
  readonly output: string;
}

const LINGER_MS = 1000;
const STOP_GRACE_MS = 500;
/** A process that left the group may hold a pipe open for ever; what it writes is nobody's concern. */
const DRAIN_MS = 500;

/** Resolves when the child's whole group is gone. Never rejects. */
export async function runBounded(child: ManagedProcess, options: BoundedRunOptions): Promise<BoundedRun> {
  const { timeoutMs, maxBytes = Infinity, tailBytes, isComplete, signal } = options;
  const stdout = new Tail(tailBytes);
  const stderr = new Tail(tailBytes);
  const output = new Tail(tailBytes);
  let cause: BoundedRun["cause"] = "itself";
  let written = 0;
  let linger: NodeJS.Timeout | undefined;

  const end = (why: BoundedRun["cause"]) => {
    if (cause !== "itself" || child.exit !== null) return;
    cause = why;
    void child.stop(STOP_GRACE_MS);
  };
  const follow = (stream: Readable, tail: Tail) => {
    stream.on("data", (chunk: Buffer) => {
      written += chunk.length;
      tail.add(chunk);
      output.add(chunk);
      if (written > maxBytes) end("flood");
    });
  };
  follow(child.stdout, stdout);
  follow(child.stderr, stderr);
  if (isComplete) {
    child.stdout.on("data", () => {
      if (linger === undefined && isComplete(stdout.text()))
        linger = setTimeout(() => end("complete"), LINGER_MS);
    });
  }

  const deadline = setTimeout(() => end("deadline"), timeoutMs);
  const abort = () => end("aborted");
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  child.stdin.end(options.input); // code that waits for more finds its end instead

  const drained = Promise.all([drain(child.stdout), drain(child.stderr)]);
  const exit = await child.exited;
  clearTimeout(deadline);
  clearTimeout(linger);
  signal?.removeEventListener("abort", abort);
  const patience = setTimeout(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  }, DRAIN_MS);
  await drained;
  clearTimeout(patience);
  return { exit, cause, stdout: stdout.text(), stderr: stderr.text(), output: output.text() };
}

function drain(stream: Readable): Promise<void> {
  return finished(stream, { writable: false }).catch(() => undefined);
}

/** The last bytes of a stream. */
class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isCut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // Cut only now and then, so that a child that writes a byte at a time does not copy the tail at each.
    if (this.#bytes > 2 * this.#limit || this.#chunks.length > 1024) this.#chunks = [this.#cut()];
  }

  /** Of what was cut, without the rest of the line at the cut: half a secret would not be known as one. */
  text(): string {
    const text = this.#cut().toString("utf8");
    return this.#isCut ? text.slice(text.search(/[\r\n]|$/)) : text;
  }

  #cut(): Buffer {
    const whole = Buffer.concat(this.#chunks);
    const kept = whole.subarray(Math.max(0, whole.length - this.#limit));
    this.#isCut ||= kept.length < whole.length;
    this.#bytes = kept.length;
    return kept;
  }
}

/** The last line with something on it, at most 500 characters. */
export function lastLine(text: string): string | null {
  const line = text
    .split(/[\r\n]+/)
    .map((candidate) => candidate.trim())
    .findLast((candidate) => candidate !== "");
  return line === undefined ? null : headOf(line, 500);
}
