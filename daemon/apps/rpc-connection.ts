/** JSON-RPC over a child's stdin and stdout, one message a line: requests out, answers in. */
import type { Readable, Writable } from "node:stream";
import { jsonOrNull } from "./json-or-null.ts";
import { WorkerAnswerSchema } from "./worker-protocol.ts";

/** What came back. `broken`: nothing will any more. */
export type RpcAnswer =
  | { readonly kind: "result"; readonly value: unknown }
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "broken" };

/** The worker cuts its answers at 1 MiB (python/karta/worker.py, node/worker.js); more is no worker of ours. */
const MAX_LINE_BYTES = 2 * 1024 * 1024;

/** Owner: a worker. */
export class RpcConnection {
  readonly #requests: Writable;
  readonly #onBreach: (what: string) => void;
  readonly #open = new Map<number, (answer: RpcAnswer) => void>();
  #lastId = 0;
  #isClosed = false;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param options.onBreach told once when the child says what is no answer; nothing is read after that */
  constructor(options: { requests: Writable; answers: Readable; onBreach: (what: string) => void }) {
    this.#requests = options.requests;
    this.#onBreach = options.onBreach;
    options.answers.on("data", (chunk: Buffer) => this.#read(chunk));
    options.answers.on("error", () => undefined); // the child's exit tells
  }

  /** Sends a request. `answer` never rejects. */
  request(method: string, params: object): { readonly id: number; readonly answer: Promise<RpcAnswer> } {
    const id = (this.#lastId += 1);
    if (this.#isClosed) return { id, answer: Promise.resolve({ kind: "broken" }) };
    const answer = new Promise<RpcAnswer>((resolve) => this.#open.set(id, resolve));
    this.#requests.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return { id, answer };
  }

  /** Every open request ends as `broken`. */
  close(): void {
    this.#isClosed = true;
    for (const settle of this.#open.values()) settle({ kind: "broken" });
    this.#open.clear();
  }

  #read(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0 && !this.#isClosed;) {
      const end = rest.indexOf("\n");
      const part = end < 0 ? rest : rest.subarray(0, end);
      this.#chunks.push(part);
      this.#bytes += part.length;
      if (this.#bytes > MAX_LINE_BYTES) {
        this.#breach(`a line of more than ${MAX_LINE_BYTES} bytes`);
        return;
      }
      if (end < 0) return;
      rest = rest.subarray(end + 1);
      const line = Buffer.concat(this.#chunks).toString("utf8");
      this.#chunks = [];
      this.#bytes = 0;
      this.#receive(line);
    }
  }

  #receive(line: string): void {
    const answer = WorkerAnswerSchema.safeParse(jsonOrNull(line)).data;
    if (answer === undefined) {
      this.#breach("what is no answer");
      return;
    }
    const settle = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    settle?.(
      "error" in answer
        ? { kind: "error", message: answer.error.message }
        : { kind: "result", value: answer.result },
    );
  }

  #breach(what: string): void {
    this.close();
    this.#onBreach(what);
  }
}
