/** The public plane as a real server, with the scripted harness behind its sessions. */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterAll, expect } from "@jest/globals";
import { ErrorBodySchema } from "../../shared/errors.ts";
import { sessionSource } from "../../daemon/events/sources.ts";
import type { ServedProject, ServedProjects } from "../../daemon/http/adapters/adapter.ts";
import { publicApp, type PublicAppOptions } from "../../daemon/http/app.ts";
import { createHttpServer, listenOnPort } from "../../daemon/http/listen.ts";
import { Conversations } from "../../daemon/sessions/conversations.ts";
import { WebSockets } from "../../daemon/http/websocket.ts";
import { KeyedQueue } from "../../daemon/sessions/keyed-queue.ts";
import type { ProcessSpawner } from "../../daemon/process/spawner.ts";
import { silent } from "../unit/apps/temp-project.ts";
import { observeKarta } from "./contract/observer.ts";
import { sessionBench, type SessionBench } from "./sessions.ts";
import { storeBench, type StoreBench } from "./store.ts";

export interface HttpBench extends SessionBench {
  readonly store: StoreBench;
  readonly server: http.Server;
  readonly sockets: WebSockets;
  readonly port: number;
  readonly url: string;
}

const bot: ServedProject = { name: "bot", version: "dev", agents: ["billing"], createdAt: 0 };
const servedBot: ServedProjects = {
  list: () => [bot],
  find: (name) => (name === bot.name ? bot : null),
  findDefault: () => bot,
};

/** What a public app of this bench is made with. */
export function publicOptions({ sessions, store }: Pick<HttpBench, "sessions" | "store">): PublicAppOptions {
  return {
    sessions,
    eventsOf: (id) => sessionSource(store.store.events, store.feed, id),
    projectExists: (name) => name === "bot",
    served: servedBot,
    conversations: new Conversations({
      sessions,
      conversations: store.store.conversations,
      turns: store.store.turns,
      now: () => Date.now(),
    }),
    responses: store.store.responses,
    sessionOrder: new KeyedQueue(),
    metrics: { contentType: "text/plain", text: () => Promise.resolve("") },
    isDraining: () => false,
    version: "0.0.0",
    offline: true,
    loopbackOnly: true,
    allowedOrigins: ["https://shop.example"],
    logger: silent,
  };
}

/** Call at a test file's top level. */
export async function httpBench(
  spawner: ProcessSpawner,
  options: Partial<PublicAppOptions> = {},
): Promise<HttpBench> {
  const store = await storeBench();
  const sessions = sessionBench(store, spawner);
  const app = publicApp({ ...publicOptions({ sessions: sessions.sessions, store }), ...options });
  const server = createHttpServer(app, options.limits);
  const sockets = new WebSockets(server, app);
  const port = await listenOnPort(server, "127.0.0.1", 0);
  await observeKarta(`http://127.0.0.1:${port}`);
  afterAll(async () => {
    sockets.close();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { ...sessions, store, server, sockets, port, url: `http://127.0.0.1:${port}` };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request just as it is given: any Host, any path, any bytes. */
export function rawRequest(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string | Buffer,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port, method, path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** An answer that goes on: what it has said so far, and a way to wait for more. */
export class OpenStream {
  said = "";
  isOver = false;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly #response: http.IncomingMessage;
  readonly #waiting: (() => void)[] = [];

  constructor(response: http.IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding("utf8");
    response.on("error", () => undefined); // cut off: `isOver` tells
    response.on("data", (text: string) => {
      this.said += text;
      this.#wake();
    });
    response.on("close", () => {
      this.isOver = true;
      this.#wake();
    });
  }

  /** Resolves when `text` was said. @throws when the stream ends without it */
  until(text: string): Promise<void> {
    return this.#when(() => this.said.includes(text), text);
  }

  /** Resolves when so many characters were said. @throws when the stream ends before */
  untilLength(length: number): Promise<void> {
    return this.#when(() => this.said.length >= length, `${length} characters`);
  }

  end(): Promise<void> {
    return this.#when(() => this.isOver, "its end");
  }

  /** The client leaves. */
  leave(): void {
    this.#response.destroy();
  }

  async #when(come: () => boolean, what: string): Promise<void> {
    while (!come()) {
      if (this.isOver) throw new Error(`the stream ended without ${what}: ${this.said.slice(-500)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export function openStream(
  port: number,
  asked: { method?: string; path: string; headers?: Record<string, string>; body?: unknown },
): Promise<OpenStream> {
  const { method = asked.body === undefined ? "GET" : "POST", path, body } = asked;
  return new Promise((resolve, reject) => {
    const headers = {
      ...asked.headers,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    };
    const request = http.request(
      { host: "127.0.0.1", port, method, path, headers, agent: false },
      (response) => resolve(new OpenStream(response)),
    );
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Opens a GET and does not read: what comes waits in the socket. */
export async function openAndStall(port: number, path: string): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, "readable"); // the headers are there: the server has begun the stream
  return socket;
}

/** Everything that the answer on this socket has and will say, to its last chunk. */
export async function readToEnd(socket: net.Socket): Promise<string> {
  let said = "";
  for await (const chunk of socket.setEncoding("utf8")) {
    said += String(chunk);
    if (said.endsWith("\r\n0\r\n\r\n")) break;
  }
  return said;
}

/** Sends what must be refused and holds the answer against what every refusal has. Returns its words. */
export async function refusal(
  port: number,
  asked: {
    method?: string;
    path: string;
    headers?: Readonly<Record<string, string>>;
    /** Text is sent as it is, anything else as JSON. */
    body?: unknown;
  },
): Promise<{ readonly answer: RawAnswer; readonly is: string; readonly words: string }> {
  const { method = "POST", path, body } = asked;
  const headers = asked.headers ?? (body === undefined ? {} : { "Content-Type": "application/json" });
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await rawRequest(port, method, path, headers, text);
  if (answer.status < 400) throw new Error(`was not refused: ${answer.status} ${answer.body}`);
  const told = ErrorBodySchema.parse(JSON.parse(answer.body));
  expect(told.detail).not.toBe("");
  if (told.error === "invalid_request") expect(told.issues?.length).toBeGreaterThan(0);
  expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(answer.headers["x-powered-by"]).toBeUndefined();
  return {
    answer,
    is: `${answer.status} ${told.error}`,
    words: `${told.detail} ${JSON.stringify(told.issues)}`,
  };
}
