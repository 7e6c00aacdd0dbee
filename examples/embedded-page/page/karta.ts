/** Karta's managed-agents wire, called straight from the browser. A call a method. */
import { createParser } from "/vendor/eventsource-parser/index.js";
import { ApiError } from "../../support-bot-demo/web/page/api.ts";
import { field, parseJson, text } from "../../support-bot-demo/web/page/karta-events.ts";
import { narrow, narrowJson, type WireEvent } from "./wire-events.ts";

export interface Config {
  /** kartad's origin. */
  readonly karta: string;
  readonly project: string;
}

export interface EarlierChat {
  readonly id: string;
  readonly title: string;
  readonly lastActivityAt: string;
}

export interface TranscriptMessage {
  readonly id: string;
  readonly isVisitors: boolean;
  /** Its parts of text, in order. */
  readonly texts: readonly string[];
}

/** What a request may be answered. */
export type Result = "approve_once" | "approve_session" | "deny";

/** The page's own server says where Karta is. */
export async function fetchConfig(): Promise<Config> {
  const config: unknown = await (await fetch("/config.json")).json();
  return { karta: text(field(config, "karta")), project: text(field(config, "project")) };
}

/** Every method throws ApiError for a refusal, TypeError where Karta cannot be reached. */
export class Karta {
  readonly #origin: string;
  readonly #base: string;
  readonly #endUser: string;

  constructor({ karta, project }: Config, endUser: string) {
    this.#origin = karta;
    this.#base = `${karta}/v1/projects/${encodeURIComponent(project)}/managed-agents/sessions`;
    this.#endUser = endUser;
  }

  /** Whether the replies come from a script. */
  async isOffline(): Promise<boolean> {
    return field(await this.#json(`${this.#origin}/healthz`), "offline") === true;
  }

  /** @returns the new session's id */
  async create(): Promise<string> {
    return text(field(await this.#post("", { metadata: { end_user: this.#endUser } }), "id"));
  }

  /** This visitor's chats, newest first. */
  async chats(): Promise<EarlierChat[]> {
    return list(field(await this.#json(this.#base + this.#user()), "data")).map((one) => ({
      id: text(field(one, "id")),
      title: text(field(one, "title")),
      lastActivityAt: text(field(one, "last_activity_at")),
    }));
  }

  /** The session's events after a seq. */
  async events(id: string, after: number): Promise<WireEvent[]> {
    const answer = await this.#json(`${this.#base}/${encodeURIComponent(id)}?after=${after}`);
    return list(field(answer, "events")).flatMap((event) => narrow(event) ?? []);
  }

  async transcript(id: string): Promise<TranscriptMessage[]> {
    const answer = await this.#json(`${this.#base}/${encodeURIComponent(id)}/transcript${this.#user()}`);
    return list(field(answer, "messages")).map((message) => ({
      id: text(field(message, "id")),
      isVisitors: field(message, "role") === "user",
      texts: list(field(message, "parts"))
        .filter((part) => field(part, "type") === "text")
        .map((part) => text(field(part, "text"))),
    }));
  }

  /** @param key the same key again is the same message, which is answered once */
  async say(id: string, message: string, key: string): Promise<void> {
    await this.#post(
      `/${encodeURIComponent(id)}/events`,
      { type: "user.message", text: message },
      { "Idempotency-Key": key },
    );
  }

  /** @param answer what a question is answered, where it is one */
  async confirm(
    id: string,
    request: { id: string; target: string },
    result: Result,
    answer?: string,
  ): Promise<void> {
    await this.#post(`/${encodeURIComponent(id)}/events`, {
      type: "user.tool_confirmation",
      request_id: request.id,
      result,
      ...(answer === undefined ? {} : { answers: { [request.target]: answer } }),
    });
  }

  async interrupt(id: string): Promise<void> {
    await this.#post(`/${encodeURIComponent(id)}/events`, { type: "user.interrupt" });
  }

  /** @returns where the file lies in the session's workspace */
  async upload(id: string, file: File): Promise<string> {
    const content_base64 = toBase64(new Uint8Array(await file.arrayBuffer()));
    return text(
      field(
        await this.#post(`/${encodeURIComponent(id)}/files`, { name: file.name, content_base64 }),
        "path",
      ),
    );
  }

  /** Events after a seq. The stream ends where the turn does, at a request, and wherever the connection breaks. */
  async *stream(id: string, after: number, signal: AbortSignal): AsyncGenerator<WireEvent> {
    const response = await checked(
      fetch(`${this.#base}/${encodeURIComponent(id)}/events/stream?after=${after}`, { signal }),
    );
    if (response.body === null) return;
    const parsed: WireEvent[] = [];
    const parser = createParser({
      onEvent: ({ data }) => {
        const event = narrowJson(data);
        if (event !== undefined) parsed.push(event);
      },
    });
    const decoder = new TextDecoder(); // with stream: true it keeps half a character for the next chunk
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (value !== undefined) parser.feed(decoder.decode(value, { stream: true }));
        yield* parsed.splice(0);
        if (done) return;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  #user(): string {
    return `?end_user=${encodeURIComponent(this.#endUser)}`;
  }

  async #json(url: string): Promise<unknown> {
    return (await checked(fetch(url))).json();
  }

  async #post(path: string, body: object, headers: Record<string, string> = {}): Promise<unknown> {
    const response = await checked(
      fetch(this.#base + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    );
    return response.json();
  }
}

async function checked(pending: Promise<Response>): Promise<Response> {
  const response = await pending;
  if (response.ok) return response;
  const body = parseJson(await response.text().catch(() => ""));
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  throw new ApiError(
    response.status,
    text(field(body, "error")),
    text(field(body, "detail")),
    Number.isNaN(seconds) ? null : seconds,
  );
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000)); // more arguments than that are refused
  return btoa(binary);
}
