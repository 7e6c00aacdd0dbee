/**
 * Sees every answer of a Karta that this process reads, by fetch or by node:http, through Node's own diagnostics
 * channels: a test has nothing to call, and nothing to forget.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { ClientRequest, IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { z } from "zod";
import type { AnswerHead } from "./document.ts";

type Contract = typeof import("./document.ts");

/** Loaded with the first Karta: most test files have none. */
let contract: Contract | null = null;
let loading: Promise<void> | null = null;
const waiting: ((contract: Contract) => void)[] = [];
const found: string[] = [];
/** Ports of real Kartas: what they answer is checked even if it does not look like theirs. */
const ports = new Set<string>();

/**
 * Called by whatever starts a Karta for a test. Resolves when the check is ready: loaded with the first answer instead, it
 * would hold that answer's frames up, and a test would see them come at once.
 */
export async function observeKarta(url: string): Promise<void> {
  ports.add(new URL(url).port);
  await load();
}

function load(): Promise<void> {
  loading ??= import("./document.ts").then((loaded) => {
    contract = loaded;
    for (const one of waiting.splice(0)) one(loaded);
  });
  return loading;
}

/** Takes what was found since the last call, when all that came in is looked at. */
export async function takeBreaches(): Promise<string[]> {
  while (loading !== null && waiting.length > 0) await loading;
  return found.splice(0);
}

function check(head: AnswerHead, look: (contract: Contract) => string[]): void {
  const now = (loaded: Contract): void => {
    const breaches = look(loaded);
    found.push(...breaches.map((what) => `${head.method} ${head.path} → ${head.status}: ${what}`));
  };
  if (contract !== null) {
    now(contract);
    return;
  }
  waiting.push(now);
  void load();
}

/** An answer as its bytes come in. */
export class SeenAnswer {
  readonly #head: AnswerHead;
  readonly #decoder = new TextDecoder();
  readonly #feed: (text: string) => void;
  #body = "";

  constructor(head: AnswerHead) {
    this.#head = head;
    const isStream = head.headers["content-type"]?.startsWith("text/event-stream") === true;
    if (!isStream) {
      this.#feed = (text) => (this.#body += text);
      return;
    }
    check(head, (loaded) => loaded.breaches(head, null));
    const parser = createParser({
      onEvent: (frame) => check(head, (loaded) => loaded.frameBreaches(head, frame)),
    });
    this.#feed = (text) => parser.feed(text);
  }

  bytes(chunk: Uint8Array | string): void {
    this.#feed(typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true }));
  }

  end(): void {
    check(this.#head, (loaded) => loaded.breaches(this.#head, this.#body));
  }
}

/** Null: not a Karta's, or of the operator's plane, which the document leaves out. */
export function seeAnswer(head: AnswerHead, port: string): SeenAnswer | null {
  const isKartas = ports.has(port) || head.headers["x-request-id"]?.startsWith("req_") === true;
  return isKartas && !head.path.startsWith("/control/") && head.status >= 200 ? new SeenAnswer(head) : null;
}

/** What undici tells on its channels, as far as it is read here. Its `request` is the same object each time. */
interface FetchRequest {
  readonly origin: string;
  readonly method: string;
  readonly path: string;
}
const FetchSchema = z.object({ request: z.custom<FetchRequest>() });
const FetchHeadSchema = FetchSchema.extend({
  response: z.object({ statusCode: z.int(), headers: z.array(z.custom<Uint8Array>()) }),
});
const FetchChunkSchema = FetchSchema.extend({ chunk: z.custom<Uint8Array>() });
const HttpSchema = z.object({
  request: z.instanceof(ClientRequest),
  response: z.instanceof(IncomingMessage),
});

const seenByFetch = new WeakMap<object, SeenAnswer>();

const LISTENERS: Readonly<Record<string, (message: unknown) => void>> = {
  "undici:request:headers": (message) => {
    const { request, response } = FetchHeadSchema.parse(message);
    const texts = response.headers.map((part) => new TextDecoder("latin1").decode(part));
    const pairs = texts.flatMap((text, place): [string, string][] =>
      place % 2 === 0 ? [[text.toLowerCase(), texts[place + 1] ?? ""]] : [],
    );
    const { method, path, origin } = request;
    const head = { method, path, status: response.statusCode, headers: Object.fromEntries(pairs) };
    const answer = seeAnswer(head, new URL(origin).port);
    if (answer !== null) seenByFetch.set(request, answer);
  },
  "undici:request:bodyChunkReceived": (message) => {
    const { request, chunk } = FetchChunkSchema.parse(message);
    seenByFetch.get(request)?.bytes(chunk);
  },
  "undici:request:trailers": (message) => seenByFetch.get(FetchSchema.parse(message).request)?.end(),
  "http.client.response.finish": (message) => {
    const { request, response } = HttpSchema.parse(message);
    const headers = Object.entries(response.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    const { method, path } = request;
    const head = { method, path, status: response.statusCode ?? 0, headers: Object.fromEntries(headers) };
    const answer = seeAnswer(head, String(response.socket.remotePort));
    if (answer === null) return;
    const push = response.push.bind(response);
    response.push = (chunk: Uint8Array | string | null, encoding) => {
      if (chunk === null) answer.end();
      else answer.bytes(chunk);
      return push(chunk, encoding);
    };
  },
};

export function startObserving(): void {
  for (const [name, listener] of Object.entries(LISTENERS)) subscribe(name, listener);
}

export function stopObserving(): void {
  for (const [name, listener] of Object.entries(LISTENERS)) unsubscribe(name, listener);
  ports.clear(); // another file's server may get one of them
}
