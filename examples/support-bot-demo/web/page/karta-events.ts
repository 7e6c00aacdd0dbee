/** Karta's event stream, as far as a chat page needs it (spec: http-api, Messages). */
import { createParser } from "/vendor/eventsource-parser/index.js";

export type ReplyEvent =
  /** More of the reply. Another `messageId` starts another paragraph: a tool ran in between. */
  | { readonly type: "text"; readonly delta: string; readonly messageId: string }
  /** Beans is using a tool, or waits for somebody's approval. */
  | { readonly type: "working"; readonly on: "tool" | "approval" }
  /** Terminal. `text` is the whole reply, for a stream that sent no deltas. */
  | { readonly type: "done"; readonly cancelled: boolean; readonly text: string }
  /** Terminal. */
  | { readonly type: "error"; readonly code: string; readonly message: string };

/**
 * Reads a response's body as events, whatever way the bytes were cut into chunks.
 * It ends where the body ends; a body without a terminal event simply ends.
 */
export async function* readReply(body: ReadableStream<Uint8Array>): AsyncGenerator<ReplyEvent> {
  const parsed: ReplyEvent[] = [];
  const parser = createParser({
    onEvent(frame) {
      const event = narrow(frame.event, frame.data);
      if (event !== undefined) parsed.push(event);
    },
  });
  const decoder = new TextDecoder(); // with stream: true it keeps half a character for the next chunk
  const reader = body.getReader();
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

/** Events the page has no use for, and frames that are not what they claim to be, come out as undefined. */
function narrow(name: string | undefined, json: string): ReplyEvent | undefined {
  const data = field(parseJson(json), "data");
  switch (name) {
    case "text":
      return {
        type: "text",
        delta: text(field(field(data, "part"), "text")),
        messageId: text(field(data, "message_id")),
      };
    case "tool_use":
      return { type: "working", on: "tool" };
    case "input_required":
      return { type: "working", on: "approval" };
    case "done":
      return {
        type: "done",
        cancelled: field(data, "status") === "cancelled",
        text: text(field(field(data, "message"), "text")),
      };
    case "error":
      return { type: "error", code: text(field(data, "code")), message: text(field(data, "message")) };
    default:
      return undefined;
  }
}

/** One property of a value that may be anything. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const found: unknown = Reflect.get(value, name);
  return found;
}

/** A string, or the empty one where something else came. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The value, or undefined for text that is not JSON. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
