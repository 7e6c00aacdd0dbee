/**
 * An MCP server that is asked by HTTP, one message a request. Clients may come and go (an agent that lost its connection
 * shakes hands again), and may number their requests alike: inside each request has a number of its own.
 */
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

const RequestIdSchema = z.union([z.string(), z.number()]);
const NotificationSchema = z.looseObject({ jsonrpc: z.literal("2.0"), method: z.string() });
const RequestSchema = NotificationSchema.extend({ id: RequestIdSchema });
const CancelledSchema = z.looseObject({
  method: z.literal("notifications/cancelled"),
  params: z.looseObject({ requestId: RequestIdSchema }),
});
const AnswerSchema = z.looseObject({ id: z.number(), method: z.undefined().optional() });
/** The SDK's own type, for what one of the above has passed: the server checks the rest itself. */
const MessageSchema = z.custom<JSONRPCMessage>();

type RequestId = z.infer<typeof RequestIdSchema>;

/** What a client sent. */
export type ClientMessage =
  | { readonly kind: "request"; readonly id: RequestId; readonly message: object }
  /** A notification, or an answer to something that was never asked: neither is answered. */
  | { readonly kind: "other"; readonly message: object };

/** Null for what is no message of the protocol. */
export function readClientMessage(value: unknown): ClientMessage | null {
  const request = RequestSchema.safeParse(value).data;
  if (request !== undefined) return { kind: "request", id: request.id, message: request };
  const notification = NotificationSchema.safeParse(value).data;
  return notification === undefined ? null : { kind: "other", message: notification };
}

interface Asked {
  /** The number that its client gave it. */
  readonly clientId: RequestId;
  readonly settle: (answer: object) => void;
}

/** JSON-RPC's own range for errors of an implementation. */
const CANCELLED = { code: -32_001, message: "the call was given up" };

/** Owner: whoever opened it. Freed by `close()`: calls in hand are given up. */
export class McpChannel {
  readonly #server: McpServer;
  readonly #transport: Transport;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #isClosed = false;

  private constructor(server: McpServer) {
    this.#server = server;
    this.#transport = {
      start: () => Promise.resolve(),
      send: (message) => {
        this.#answered(message);
        return Promise.resolve();
      },
      close: () => {
        this.#transport.onclose?.();
        return Promise.resolve();
      },
    };
  }

  static async over(server: McpServer): Promise<McpChannel> {
    const channel = new McpChannel(server);
    await server.connect(channel.#transport);
    return channel;
  }

  /** It must be asked nothing more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param gone the client waits no more: the call is given up. Never rejects */
  ask(clientId: RequestId, message: object, gone: AbortSignal): Promise<object> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const giveUp = (): void => this.#giveUp(id);
      const settle = (answer: object): void => {
        gone.removeEventListener("abort", giveUp);
        this.#asked.delete(id);
        resolve({ ...answer, id: clientId });
      };
      this.#asked.set(id, { clientId, settle });
      gone.addEventListener("abort", giveUp);
      this.#deliver({ ...message, id });
      if (gone.aborted) giveUp();
    });
  }

  /** A notification. */
  tell(message: object): void {
    const cancelled = CancelledSchema.safeParse(message).data;
    if (cancelled === undefined) {
      this.#deliver(message);
      return;
    }
    const { requestId } = cancelled.params;
    for (const [id, { clientId }] of this.#asked) if (clientId === requestId) this.#giveUp(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const id of this.#asked.keys()) this.#giveUp(id);
    await this.#server.close();
  }

  #giveUp(id: number): void {
    this.#deliver({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
    this.#asked.get(id)?.settle({ jsonrpc: "2.0", error: CANCELLED });
  }

  #deliver(message: object): void {
    this.#transport.onmessage?.(MessageSchema.parse(message));
  }

  /** What the server asks its client by itself (nothing so far) has nobody to hear it. */
  #answered(message: unknown): void {
    const answer = AnswerSchema.safeParse(message).data;
    if (answer !== undefined) this.#asked.get(answer.id)?.settle(answer);
  }
}
