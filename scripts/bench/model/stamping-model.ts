/**
 * A model whose every token is the moment it was written. Whoever reads the token on the far side of a harness, and of
 * Karta, knows how long it was under way. The frames are the offline model's own.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { anthropicWire } from "../../../daemon/offline-model/anthropic.ts";
import type { Block } from "../../../daemon/offline-model/answer.ts";
import {
  AnthropicRequestSchema,
  readAnthropicConversation,
} from "../../../daemon/offline-model/anthropic-request.ts";
import { atPace } from "../../../daemon/offline-model/pace.ts";
import type { Scope } from "../scope.ts";

export interface StampingModelOptions {
  readonly scope: Scope;
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

/** Listens on a free port of the loopback. @returns its base address */
export async function startStampingModel({
  scope,
  tokens,
  tokensPerSecond,
}: StampingModelOptions): Promise<string> {
  const server = createServer({ noDelay: true, keepAliveTimeout: 300_000 }, (request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => (body += part));
    request.on("end", () => void answer(response, body, { tokens, tokensPerSecond }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the stamping model does not listen");
  return `http://127.0.0.1:${address.port}`;
}

/** When the token was written (`performance.now()` of the process that is the model); null for other text. */
export function readStamp(token: string): number | null {
  const match = /^ ?@(\d+\.\d+)$/.exec(token);
  return match ? Number(match[1]) : null;
}

async function answer(
  response: ServerResponse,
  body: string,
  { tokens, tokensPerSecond }: { tokens: number; tokensPerSecond: number },
): Promise<void> {
  const startedAt = performance.now();
  const asked = AnthropicRequestSchema.safeParse(body === "" ? null : JSON.parse(body));
  if (!asked.success) {
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify(anthropicWire.error("not_found_error", "only messages are answered")));
    return;
  }
  const conversation = readAnthropicConversation(asked.data);
  const block: Block = { kind: "text", pieces: [] };
  const model = { conversation, model: asked.data.model, stream: true, inputTokens: 10 };
  const frames = anthropicWire.stream(model, [block]);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(frames.start() + frames.open(block, 0));
  try {
    const places = Array.from({ length: tokens }, (_, place) => place);
    for await (const place of atPace(places, { firstTokenMs: 0, tokensPerSecond }, startedAt, gone.signal)) {
      const stamp = `@${performance.now().toFixed(3)}`;
      response.write(frames.piece(block, 0, place === 0 ? stamp : ` ${stamp}`));
    }
  } catch (error) {
    if (gone.signal.aborted) return;
    throw error;
  }
  response.end(frames.close(block, 0) + frames.finish(tokens));
}
