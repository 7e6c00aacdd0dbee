/**
 * An app's tools for agents that are programs of their own: MCP over HTTP, on 127.0.0.1 at a port that the system
 * chooses. Each conversation has a key of its own, so that a call says by itself whose it is, and nobody else can make it.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "pino";
import { McpChannel, readClientMessage, type ClientMessage } from "./mcp-channel.ts";
import { toolServer, type ToolServerOptions } from "./tool-server.ts";

const HOST = "127.0.0.1";
const PATH = "/mcp";
/** Arguments of a call. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Requests of one conversation at once; the app's own queue of calls is shorter. */
const MAX_REQUESTS = 64;
const MAX_CONNECTIONS = 1024;
const RECEIVE_TIMEOUT_MS = 15_000;
/** A call that takes minutes must not look like a dead connection: white space may come before JSON. */
const BEAT_MS = 15_000;

/** Where one conversation's tools are. */
export interface ToolEndpoint {
  readonly url: string;
  /** `Authorization: Bearer KEY`. A secret: for the agent's own configuration alone. */
  readonly key: string;
  /** Gives up the calls in hand, and forgets the key. */
  close(): void;
}

/** A conversation, as far as its key has let requests in. */
interface Caller {
  readonly channel: McpChannel;
  /** In hand, those included that are still being read. */
  requests: number;
}

/** Owner: the composition root. Nothing listens before the first conversation with tools. */
export class ToolGateway {
  readonly #log: Logger;
  /** By the digest of the key: looking one up tells nothing of others. */
  readonly #callers = new Map<string, Caller>();
  #server: Promise<Server> | null = null;

  constructor(options: { readonly logger: Logger }) {
    this.#log = options.logger.child({ part: "tools" });
  }

  /** Rejects when no port can be had. */
  async open(options: ToolServerOptions): Promise<ToolEndpoint> {
    const channel = await McpChannel.over(await toolServer(options));
    this.#server ??= this.#listen();
    const server = await this.#server.catch((error: unknown) => {
      this.#server = null; // the next one may have better luck
      throw error;
    });
    const key = randomBytes(32).toString("base64url");
    const digest = digestOf(key);
    this.#callers.set(digest, { channel, requests: 0 });
    return {
      url: `http://${HOST}:${portOf(server)}${PATH}`,
      key,
      close: () => {
        if (!this.#callers.delete(digest)) return;
        void channel.close();
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#callers.values()].map(({ channel }) => channel.close()));
    this.#callers.clear();
    const server = await this.#server?.catch(() => null);
    if (!server) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #listen(): Promise<Server> {
    const server = createServer(
      { headersTimeout: RECEIVE_TIMEOUT_MS, requestTimeout: RECEIVE_TIMEOUT_MS },
      (request, response) => {
        this.#serve(request, response).catch((error: unknown) => {
          this.#log.debug({ err: error }, "a tool's request broke off");
          response.destroy();
        });
      },
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(0, HOST);
    await once(server, "listening");
    return server.unref(); // it keeps no process alive by itself
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = this.#callers.get(digestOf(keyOf(request)));
    const refusal = refusalOf(request, caller);
    if (caller === undefined || refusal !== null) {
      refuse(response, refusal ?? NO_KEY);
      return;
    }
    caller.requests += 1;
    response.once("close", () => (caller.requests -= 1));
    const body = await readBody(request);
    const sent = readClientMessage(parsed(body ?? ""));
    if (body === null)
      refuse(response, { status: 413, message: `a call has at most ${MAX_BODY_BYTES} bytes` });
    else if (sent === null) refuse(response, { status: 400, message: "expected one JSON-RPC message" });
    else if (caller.channel.isClosed)
      refuse(response, NO_KEY); // while it was read
    else if (sent.kind === "request") await this.#answer(caller.channel, sent, response);
    else {
      caller.channel.tell(sent.message);
      response.writeHead(202).end();
    }
  }

  async #answer(
    channel: McpChannel,
    { id, message }: Extract<ClientMessage, { kind: "request" }>,
    response: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    response.writeHead(200, { "Content-Type": "application/json" });
    response.flushHeaders();
    const beat = setInterval(() => response.write(" "), BEAT_MS);
    const answer = await channel.ask(id, message, gone.signal);
    clearInterval(beat);
    response.end(JSON.stringify(answer));
  }
}

function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

function keyOf({ headers }: IncomingMessage): string {
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the tools' server does not listen");
  return address.port;
}

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const NO_KEY: Refusal = { status: 401, message: "no conversation has this key" };

/** Null: it may be read. */
function refusalOf(
  { headers, socket, url, method }: IncomingMessage,
  caller: Caller | undefined,
): Refusal | null {
  // A web page may reach a loopback port: by its own name for it, or by its origin, it gives itself away.
  if (headers.host !== `${HOST}:${socket.localPort}` || headers.origin !== undefined)
    return { status: 403, message: "only programs of this machine are served" };
  if (caller === undefined) return NO_KEY;
  if (url !== PATH) return { status: 404, message: `nothing is here; the tools are at ${PATH}` };
  // No stream of the server's own (GET) and no session to delete: both are optional in MCP.
  if (method !== "POST") return { status: 405, message: "only POST is served", headers: { Allow: "POST" } };
  return caller.requests >= MAX_REQUESTS ? { status: 429, message: "too many calls at once" } : null;
}

function refuse(response: ServerResponse, { status, message, headers = {} }: Refusal): void {
  const error = { jsonrpc: "2.0", id: null, error: { code: -32_000, message } };
  // What the client still sends is not read: the connection ends with the answer.
  response.writeHead(status, { "Content-Type": "application/json", Connection: "close", ...headers });
  response.end(JSON.stringify(error));
}

/** Null for one that is too big. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  const pieces: AsyncIterable<unknown> = request.iterator({ destroyOnReturn: false }); // it is answered on
  for await (const data of pieces) {
    const chunk = Buffer.isBuffer(data) ? data : Buffer.from(String(data));
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
