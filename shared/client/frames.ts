/** An answer's server-sent events, read as session events. */
import { createParser } from "eventsource-parser";
import { KartaError } from "../errors.ts";
import { SessionEventSchema, type SessionEvent } from "../events.ts";
import { z } from "zod";
import { UnreadableAnswerError } from "./errors.ts";
import type { TransportAnswer } from "./transport.ts";

export type Frame =
  | { readonly kind: "event"; readonly seq: number; readonly event: SessionEvent }
  /** An event of a type that this version does not know. Its place in the sequence counts all the same. */
  | { readonly kind: "unknown"; readonly seq: number }
  /** An error that is not in the log: the subscription is over, the session is not. */
  | { readonly kind: "cut_off"; readonly error: KartaError }
  /** The connection lives. */
  | { readonly kind: "ping" };

/** Characters of one event that has not come whole. The largest is a `done`, which holds the turn's whole message. */
const LONGEST_EVENT = 64 * 1024 * 1024;

const CutOffSchema = z.object({
  data: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
});
const ErrorEventSchema = z.looseObject({ type: z.literal("error"), data: z.looseObject({}) });
const SeqSchema = z.string().regex(/^\d{1,15}$/);

/**
 * Yields each frame as it comes; ends where the body ends.
 * @param silenceMs a connection that brings nothing for this long is ended: the other end is gone without a word
 * @throws ConnectionError, UnreadableAnswerError for a turn's end that cannot be read, or the signal's reason
 */
export async function* readFrames(answer: TransportAnswer, silenceMs: number): AsyncGenerator<Frame> {
  const arrived: Frame[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => arrived.push(frameOf(id, event, data)),
    onComment: () => arrived.push({ kind: "ping" }),
    maxBufferSize: LONGEST_EVENT,
  });
  const chunks = answer.chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const chunk = await heard(chunks.next(), silenceMs, answer);
      if (chunk.done === true) return;
      parser.feed(chunk.value);
      yield* arrived.splice(0);
    }
  } finally {
    answer.close();
  }
}

/** The clock runs only while we wait: a caller that takes its time with an event is no silence of Karta's. */
async function heard<Result>(
  next: Promise<Result>,
  silenceMs: number,
  answer: TransportAnswer,
): Promise<Result> {
  const timer = setTimeout(() => answer.close(), silenceMs);
  try {
    return await next;
  } finally {
    clearTimeout(timer);
  }
}

function frameOf(id: string | undefined, type: string | undefined, data: string): Frame {
  const body = parseJson(data);
  const seq = SeqSchema.safeParse(id);
  if (!seq.success) {
    const cut = CutOffSchema.safeParse(body);
    if (!cut.success) return { kind: "ping" }; // it says nothing that we know of
    const { code, message, retryable } = cut.data.data;
    return {
      kind: "cut_off",
      error: KartaError.fromBody({ error: code, detail: message, retryable }),
    };
  }
  const parsed = readEvent(body);
  if (parsed !== null) return { kind: "event", seq: parsed.seq, event: parsed };
  // Passing over a turn's end would mean to wait for ever.
  if (type === "done" || type === "error")
    throw new UnreadableAnswerError(200, `this client cannot read the turn's end: ${data.slice(0, 200)}`);
  return { kind: "unknown", seq: Number(seq.data) };
}

/** One event as the wire has it; null when it is of a kind that this version cannot read. */
function readEvent(body: unknown): SessionEvent | null {
  const { data } = SessionEventSchema.safeParse(body);
  if (data !== undefined) return data;
  // A turn's end with a code of a newer Karta's keeps its words and becomes `internal`, as KartaError does.
  const end = ErrorEventSchema.safeParse(body).data;
  return end === undefined
    ? null
    : (SessionEventSchema.safeParse({ ...end, data: { ...end.data, code: "internal" } }).data ?? null);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
