/** Sends fuzzed requests to a running daemon, and remembers the ids that its answers name. */
import http from "node:http";
import type { FuzzRequest } from "./requests.ts";
import { INPUT_TOKEN, RESPONSE_TOKEN, SESSION_TOKEN } from "./values.ts";

/** A turn may wait for people, or go on for ever: the client leaves after so long. */
const PATIENCE_MS = 400;
/** A stream's first events are there at once, or not at all. */
const STREAM_MS = 50;

/** An answer, as far as it was read. */
export interface FuzzAnswer {
  readonly status: number;
  readonly said: string;
}

/** Ids that requests are about: few enough that they meet. */
class Ids {
  static readonly #KEPT = 12;
  /** Always among them. */
  fixed: readonly string[] = [];
  readonly #newest: string[] = [];
  readonly #looks: RegExp;

  constructor(looks: RegExp) {
    this.#looks = looks;
  }

  learn(said: string): void {
    for (const [id] of said.matchAll(this.#looks)) {
      if (this.#newest.includes(id)) continue;
      this.#newest.push(id);
      if (this.#newest.length > Ids.#KEPT) this.#newest.shift();
    }
  }

  pick(n: string): string {
    const all = [...this.fixed, ...this.#newest];
    return all[Number(n) % all.length] ?? "req_none";
  }
}

export class Fuzzer {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  readonly #ids = [
    [SESSION_TOKEN, new Ids(/(?:sess|conv)_[0-9a-z]{24}/g)],
    [INPUT_TOKEN, new Ids(/req_[0-9a-z]{24}/g)],
    [RESPONSE_TOKEN, new Ids(/resp_[0-9a-z]{24}/g)],
  ] as const;
  /** Answers by status. */
  readonly statuses = new Map<number, number>();
  /** Places of the document that have answered with what they are there for. */
  readonly succeeded = new Set<string>();

  constructor(port: number) {
    this.#port = port;
  }

  /** Sessions that requests are about, beside the newest that answers told of. */
  aim(sessions: readonly string[]): void {
    this.#ids[0][1].fixed = sessions;
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * @param credential headers that prove who asks
   * @param judge what is wrong with an answer besides its being a 500; null for nothing
   * @returns what was wrong, besides what the contract's own check finds; null for nothing
   */
  send(
    request: FuzzRequest,
    credential: Readonly<Record<string, string>> = {},
    judge: (answer: FuzzAnswer) => string | null = () => null,
  ): Promise<string | null> {
    const path = this.#withIds(request.path).replace(/[^\x21-\x7e]/g, "");
    const body = typeof request.body === "string" ? this.#withIds(request.body) : request.body;
    const what = `${request.method} ${path}`;
    return new Promise((resolve) => {
      const options = { host: "127.0.0.1", port: this.#port, path, agent: this.#agent };
      const headers = { ...framed(request, body), ...credential };
      const asked = http.request({ ...options, method: request.method, headers });
      const leave = setTimeout(() => {
        asked.destroy();
        resolve(null);
      }, PATIENCE_MS);
      const done = (wrong: string | null): void => {
        clearTimeout(leave);
        resolve(wrong);
      };
      asked.on("error", (error: NodeJS.ErrnoException) => {
        const says = `${what}: ${error.code ?? ""} ${error.message}`;
        done(asked.destroyed && error.code === "ECONNRESET" && asked.reusedSocket ? null : says);
      });
      asked.on("upgrade", (_response, socket) => {
        socket.destroy();
        this.succeeded.add(request.about);
        done(judge({ status: 101, said: "" }));
      });
      asked.on("response", (response) => {
        const status = response.statusCode ?? 0;
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
        if (status < 300) this.succeeded.add(request.about);
        if (response.headers["content-type"]?.startsWith("text/event-stream") === true)
          setTimeout(() => response.destroy(), STREAM_MS);
        let said = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (said += text));
        response.on("error", () => undefined); // we left, or `close` tells
        response.on("close", () => {
          for (const [, ids] of this.#ids) ids.learn(said);
          const wrong = status === 500 ? `500: ${said}` : judge({ status, said });
          done(wrong === null ? null : `${what} → ${wrong}`);
        });
      });
      if (body === null) asked.end();
      else asked.end(body);
    });
  }

  #withIds(text: string): string {
    return this.#ids.reduce((all, [token, ids]) => all.replace(token, (_, n: string) => ids.pick(n)), text);
  }
}

/** Node leaves the body of a GET without its length: the server would take it for the next request. */
function framed({ headers }: FuzzRequest, body: string | Uint8Array | null): Record<string, string> {
  if (body === null || headers["Transfer-Encoding"] !== undefined) return { ...headers };
  return { ...headers, "Content-Length": String(Buffer.byteLength(body)) };
}
