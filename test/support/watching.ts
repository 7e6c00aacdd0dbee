/** One reader of a session's events, over SSE or a WebSocket: what it saw, in order, and how it ended. */
import http from "node:http";
import { createParser } from "eventsource-parser";
import WebSocket from "ws";
import { z } from "zod";

/** What a test looks at; the rest of an event may be long. */
export interface Seen {
  readonly seq: number;
  readonly type: string;
  readonly turnId: string | null;
}

/** Its close's reason or the code of the stream's last error; `cut` by itself; `broken` by anything else. */
export type Ending = "slow_consumer" | "cursor_expired" | "cut" | "broken" | (string & {});

/** An event as it came, for who wants all of it. */
export interface WholeEvent {
  readonly json: () => string;
}

export interface WatchOptions {
  readonly url: string;
  readonly session: string;
  readonly transport: "sse" | "websocket";
  /** Null: from now on. Harness internals are shown too: what it sees has no hole. */
  readonly after: number | null;
  /** How it tells its cursor. */
  readonly by?: "header" | "query";
  /** It leaves without a word after so many bytes of frames (SSE), or so many messages (WebSocket). */
  readonly cutAfter?: number;
  /** It reads nothing until `read()`. */
  readonly stalled?: boolean;
  /** Called for each event. */
  readonly onSeen?: (event: WholeEvent) => void;
}

/** An event's own fields come before its data, and only they are wanted: the data may be megabytes. */
const HEAD_BYTES = 500;
const HeadSchema = z.object({ seq: z.int(), type: z.string(), turn_id: z.string().nullable() });
const ErrorFrameSchema = z.object({ data: z.object({ code: z.string() }) });

export class Watching {
  readonly seen: Seen[] = [];
  readonly ended: Promise<Ending>;
  #last: number;
  #isOver = false;
  #end: (ending: Ending) => void = () => undefined;
  readonly #waiting = new Set<() => void>();
  readonly #resume: () => void;
  readonly #leave: () => void;
  readonly #onSeen: (event: WholeEvent) => void;

  constructor(
    { after, onSeen }: Pick<WatchOptions, "after" | "onSeen">,
    options: { resume: () => void; leave: () => void },
  ) {
    this.#last = after ?? 0;
    this.#resume = options.resume;
    this.#leave = options.leave;
    this.#onSeen = onSeen ?? (() => undefined);
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** Resolves when it saw the event of a seq. @throws when it ends before */
  async until(seq: number): Promise<void> {
    while (this.#last < seq) {
      if (this.#isOver) throw new Error(`ended (${await this.ended}) at ${this.#last} of ${seq}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** It reads from now on. */
  read(): void {
    this.#resume();
  }

  /** It leaves without a word. */
  leave(): void {
    this.over("cut");
    this.#leave();
  }

  /** Called by its transport. */
  take(json: string, whole: WholeEvent = { json: () => json }): void {
    const head = `${json.slice(0, json.indexOf(',"data":'))}}`;
    const { seq, type, turn_id } = HeadSchema.parse(JSON.parse(head));
    this.seen.push({ seq, type, turnId: turn_id });
    this.#last = seq;
    this.#onSeen(whole);
    this.#wake();
  }

  /** Called by its transport; the first time counts. */
  over(ending: Ending): void {
    this.#isOver = true;
    this.#end(ending);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** @throws Error with the status when it is refused, or the system's error when nobody listens */
export function watch(options: WatchOptions): Promise<Watching> {
  const { session, after, by = "query" } = options;
  const query = after !== null && by === "query" ? `&after=${after}` : "";
  const path = `/v1/sessions/${session}/events?include=system${query}`;
  const headers: Record<string, string> =
    after !== null && by === "header" ? { "Last-Event-ID": String(after) } : {};
  return options.transport === "sse"
    ? overSse(options, path, headers)
    : overWebSocket(options, path, headers);
}

function overSse(options: WatchOptions, path: string, headers: Record<string, string>): Promise<Watching> {
  const { url, cutAfter = Infinity, stalled = false } = options;
  return new Promise((resolve, reject) => {
    const asked = http.get(url + path, { headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        reject(new Error(`refused with ${response.statusCode ?? 0}`));
        return;
      }
      let left = cutAfter;
      const read = (): void => {
        response.on("data", (chunk: Buffer) => {
          if (left <= 0) return; // one packet may hold several chunks
          parser.feed(decoder.decode(chunk.subarray(0, left), { stream: true }));
          left -= chunk.length;
          if (left > 0) return;
          watching.leave();
        });
      };
      const watching = new Watching(options, { resume: read, leave: () => response.destroy() });
      const decoder = new TextDecoder();
      const parser = createParser({
        onEvent: ({ id, data }) => {
          if (id !== undefined) watching.take(data);
          else watching.over(ErrorFrameSchema.parse(JSON.parse(data)).data.code);
        },
      });
      response.on("error", () => undefined); // `close` follows
      response.on("close", () => watching.over("broken"));
      if (!stalled) read();
      resolve(watching);
    });
    asked.on("error", reject);
  });
}

function overWebSocket(
  options: WatchOptions,
  path: string,
  headers: Record<string, string>,
): Promise<Watching> {
  const { url, cutAfter = Infinity, stalled = false } = options;
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url.replace("http", "ws") + path, { headers });
    const watching = new Watching(options, { resume: () => ws.resume(), leave: () => ws.terminate() });
    let left = cutAfter;
    ws.on("message", (data: Buffer) => {
      if (left <= 0) return;
      watching.take(data.toString("utf8", 0, HEAD_BYTES), { json: () => data.toString("utf8") });
      left -= 1;
      if (left > 0) return;
      watching.leave();
    });
    ws.on("error", reject);
    ws.on("close", (_code, reason) => watching.over(reason.toString("utf8") || "broken"));
    ws.once("upgrade", (response) => {
      if (stalled) response.socket.pause();
    });
    ws.once("open", () => {
      if (stalled) ws.pause();
      resolve(watching);
    });
  });
}
