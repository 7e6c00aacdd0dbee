/** Sends fuzzed requests to a running daemon, and remembers the ids that its answers name. */
import http from "node:http";
import type { FuzzRequest } from "./requests.ts";
import { INPUT_TOKEN, SESSION_TOKEN } from "./values.ts";

/** A turn may wait for people, or go on for ever: the client leaves after so long. */
const PATIENCE_MS = 400;
/** A stream's first events are there at once, or not at all. */
const STREAM_MS = 50;
/** Newest ids that requests are about: few enough that they meet. */
const KEPT = 12;

export class Fuzzer {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  readonly #sessions: string[];
  readonly #inputs: string[] = [];
  /** Answers by status. */
  readonly statuses = new Map<number, number>();

  /** @param sessionId one that exists */
  constructor(port: number, sessionId: string) {
    this.#port = port;
    this.#sessions = [sessionId];
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @returns what was wrong, besides what the contract's own check finds; null for nothing */
  send(request: FuzzRequest): Promise<string | null> {
    const path = this.#withIds(request.path).replace(/[^\x21-\x7e]/g, "");
    const body = typeof request.body === "string" ? this.#withIds(request.body) : request.body;
    return new Promise((resolve) => {
      const options = { host: "127.0.0.1", port: this.#port, path, agent: this.#agent };
      const asked = http.request({ ...options, method: request.method, headers: framed(request, body) });
      const leave = setTimeout(() => {
        asked.destroy();
        resolve(null);
      }, PATIENCE_MS);
      const done = (wrong: string | null): void => {
        clearTimeout(leave);
        resolve(wrong);
      };
      asked.on("error", (error: NodeJS.ErrnoException) => {
        const says = `${request.method} ${path}: ${error.code ?? ""} ${error.message}`;
        done(asked.destroyed && error.code === "ECONNRESET" && asked.reusedSocket ? null : says);
      });
      asked.on("upgrade", (_response, socket) => {
        socket.destroy();
        done(null);
      });
      asked.on("response", (response) => {
        const status = response.statusCode ?? 0;
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
        if (response.headers["content-type"]?.startsWith("text/event-stream") === true)
          setTimeout(() => response.destroy(), STREAM_MS);
        let said = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (said += text));
        response.on("error", () => undefined); // we left, or `close` tells
        response.on("close", () => {
          this.#learn(said);
          done(status === 500 ? `${request.method} ${path} → 500: ${said}` : null);
        });
      });
      if (body === null) asked.end();
      else asked.end(body);
    });
  }

  #withIds(text: string): string {
    const pick = (ids: readonly string[], n: string): string => ids[Number(n) % ids.length] ?? "req_none";
    return text
      .replace(SESSION_TOKEN, (_, n: string) => pick(this.#sessions, n))
      .replace(INPUT_TOKEN, (_, n: string) => pick(this.#inputs, n));
  }

  #learn(said: string): void {
    for (const [id] of said.matchAll(/sess_[0-9a-z]{24}/g)) remember(this.#sessions, id);
    for (const [id] of said.matchAll(/req_[0-9a-z]{24}/g)) remember(this.#inputs, id);
  }
}

/** Node leaves the body of a GET without its length: the server would take it for the next request. */
function framed({ headers }: FuzzRequest, body: string | Uint8Array | null): Record<string, string> {
  if (body === null || headers["Transfer-Encoding"] !== undefined) return { ...headers };
  return { ...headers, "Content-Length": String(Buffer.byteLength(body)) };
}

function remember(ids: string[], id: string): void {
  if (ids.includes(id)) return;
  ids.push(id);
  if (ids.length > KEPT) ids.shift();
}
