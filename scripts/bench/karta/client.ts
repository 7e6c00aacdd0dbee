/** The public API as a client of the bench sees it: plain HTTP, and the moment each frame arrives. */
import { Agent, request, type IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { z } from "zod";
import { SESSION_HEADER } from "../../../shared/protocol/adapters/headers.ts";

const CreatedSchema = z.object({ id: z.string() });

/** One frame, and when its bytes reached this process (`performance.now()`). */
export interface Frame {
  readonly event: string;
  /** JSON text. */
  readonly data: string;
  readonly at: number;
}

/** Keeps its connections: a backend does too. */
export class KartaClient {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.#url = url;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @returns the session's id */
  async create(body: object = {}): Promise<string> {
    const response = await this.#request("POST", "/v1/sessions", body);
    return CreatedSchema.parse(JSON.parse(await textOf(response, 201))).id;
  }

  async delete(sessionId: string): Promise<void> {
    await textOf(await this.#request("DELETE", `/v1/sessions/${sessionId}`), 204);
  }

  /** @returns the answer's status: 404 while kartad has no such route */
  async warm(sessionId: string): Promise<number> {
    const response = await this.#request("POST", `/v1/sessions/${sessionId}/warm`, {});
    response.resume();
    return response.statusCode ?? 0;
  }

  /**
   * Sends a message and calls back with each frame of its stream. Resolves at the stream's end.
   * @throws Error when the turn did not end with `done`
   */
  async stream(sessionId: string, text: string, onFrame: (frame: Frame) => void): Promise<void> {
    const body = { text, stream: true };
    const last = await this.#stream(`/v1/sessions/${sessionId}/messages`, body, {}, onFrame);
    requireDone(last, last?.event === "done");
  }

  /**
   * The same through OpenAI's Chat Completions.
   * @param sessionId null: the messages say which conversation it is
   */
  async streamChat(
    sessionId: string | null,
    messages: readonly object[],
    onFrame: (frame: Frame) => void,
  ): Promise<void> {
    const headers: Record<string, string> = sessionId === null ? {} : { [SESSION_HEADER]: sessionId };
    const body = { messages, stream: true };
    const last = await this.#stream("/v1/chat/completions", body, headers, onFrame);
    requireDone(last, last?.data === "[DONE]");
  }

  /** @returns the last frame */
  async #stream(
    route: string,
    body: object,
    headers: Readonly<Record<string, string>>,
    onFrame: (frame: Frame) => void,
  ): Promise<Frame | null> {
    const response = await this.#request("POST", route, body, headers);
    if (response.statusCode !== 200) throw new Error(await textOf(response, 200));
    let last: Frame | null = null;
    let at = 0;
    const parser = createParser({
      onEvent: ({ event = "message", data }) => onFrame((last = { event, data, at })),
    });
    response.setEncoding("utf8");
    await new Promise<void>((resolve, reject) => {
      response.on("data", (chunk: string) => {
        at = performance.now();
        parser.feed(chunk);
      });
      response.on("end", resolve);
      response.on("error", reject);
    });
    return last;
  }

  #request(
    method: string,
    route: string,
    body?: object,
    more: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? more : { "Content-Type": "application/json", ...more };
      const sent = request(this.#url + route, { method, agent: this.#agent, headers }, resolve);
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function requireDone(last: Frame | null, isDone: boolean): void {
  if (!isDone) throw new Error(`the turn ended without done: ${last?.data ?? "no frame"}`);
}

async function textOf(response: IncomingMessage, wanted: number): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const part of response) text += String(part);
  if (response.statusCode !== wanted) throw new Error(`kartad answered ${response.statusCode ?? 0}: ${text}`);
  return text;
}
