/** Server-sent events on one response, fed by a watcher of the log. */
import type { Response } from "express";
import type { TurnErrorCode } from "../../shared/errors.ts";
import type { EventSink, EventSource } from "../events/watcher.ts";
import { Watcher } from "../events/watcher.ts";
import { BUFFER_BYTES } from "./reader-buffer.ts";
import type { LoggedEvent } from "../events/logged-event.ts";

/** A comment goes out after this much silence, so that proxies keep the connection (spec: http-api, Messages). */
const PING_MS = 15_000;
/** A reader that was cut off may still read why for this long. One that reads nothing would hold its buffer for ever. */
const CUT_OFF_MS = 30_000;
/** Characters that are written at once. */
const CHUNK = 64 * 1024;

interface StreamOptions {
  readonly source: EventSource;
  /** Events after this position. */
  readonly after: number;
  /** True: the stream ends after this event. */
  readonly endsAfter: (event: LoggedEvent) => boolean;
  /** Called once, when the stream is over, whoever ended it. */
  readonly onEnd?: () => void;
}

export interface SseOptions extends StreamOptions {
  /** Which events this reader sees. */
  readonly shows: (event: LoggedEvent) => boolean;
}

/** A stream in any server-sent form. */
export interface FrameOptions extends StreamOptions {
  /** Written before the first event, with the headers. */
  readonly opening?: string;
  /** An event's frames; bytes where they are long. Empty: nothing of it is shown. Called once an event, in order. */
  readonly frames: (event: LoggedEvent) => string | Buffer;
  /** The last frames of a stream that ends with an error that is not in the log. */
  readonly failure: (code: TurnErrorCode, message: string) => string;
  /** Goes out after a silence: a comment, or an event that says nothing. */
  readonly ping: string;
  /** `frames` has thrown, which it should not: the stream ends with `internal`. */
  readonly onFault?: (error: unknown) => void;
}

export interface EventStream {
  /** Ends it with an error that is not in the log. Harmless when it is over. */
  fail(code: TurnErrorCode, message: string): void;
}

/** Answers with a stream in the API's own form: an event's frame is what the log holds, made once for all who watch. */
export function streamEvents(response: Response, { shows, ...options }: SseOptions): EventStream {
  return streamFrames(response, {
    ...options,
    frames: (event) => (shows(event) ? (event.size < CHUNK ? event.frame : event.frameBytes) : ""),
    failure: errorFrame,
    ping: ": ping\n\n",
  });
}

/**
 * Answers with a stream. Owner: the connection; freed when the client leaves, when it is cut off, or at the end.
 */
export function streamFrames(response: Response, options: FrameOptions): EventStream {
  response.status(200).set({
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
    // On a socket that asked for a WebSocket this is the last answer: a client must not send its next request there.
    Connection: response.shouldKeepAlive ? "keep-alive" : "close",
  });
  response.flushHeaders();
  if (options.opening !== undefined) response.write(options.opening);

  let over = false;
  const ping = setInterval(() => {
    if (!response.writableNeedDrain) response.write(options.ping);
  }, PING_MS);
  const write = (frames: string | Buffer): void => {
    if (frames.length === 0) return;
    ping.refresh();
    response.write(frames);
  };
  const end = (lastFrame: string): void => {
    if (over) return;
    over = true;
    clearInterval(ping);
    watcher.close();
    response.end(lastFrame);
    options.onEnd?.();
  };

  const fail = (code: TurnErrorCode, message: string): void => end(options.failure(code, message));
  // The feed that calls us must not be thrown at: it would take every other reader along.
  const framesOf = (event: LoggedEvent): string | Buffer | null => {
    try {
      return options.frames(event);
    } catch (error) {
      options.onFault?.(error);
      return null;
    }
  };

  const sink: EventSink = {
    write: (events) => {
      let frames = "";
      const flush = (): void => {
        write(frames);
        frames = "";
      };
      let taken = 0;
      for (const event of events) {
        if (response.writableLength >= BUFFER_BYTES) break; // `drain` will come
        taken += 1;
        const frame = framesOf(event);
        if (frame === null) {
          flush();
          fail("internal", "an event could not be shown; the log says more");
          return taken;
        }
        if (typeof frame === "string") {
          if (frames.length + frame.length >= CHUNK) flush();
          frames += frame;
        } else {
          flush();
          write(frame);
        }
        if (options.endsAfter(event)) {
          end(frames);
          return taken;
        }
      }
      flush();
      return taken;
    },
    tooSlow: () => {
      fail(
        "slow_consumer",
        "this reader fell too far behind and was cut off; read on from the last id it got",
      );
      const cutOff = setTimeout(() => response.destroy(), CUT_OFF_MS);
      cutOff.unref();
      response.once("close", () => clearTimeout(cutOff));
    },
    expired: (oldest) =>
      fail("cursor_expired", `what comes next is no longer kept; the oldest event that is: ${oldest}`),
    failed: () => fail("internal", "the event log could not be read; read on from the last id"),
  };
  const watcher = new Watcher({ source: options.source, sink, after: options.after });
  response.on("drain", () => watcher.resume());
  response.on("close", () => end(""));
  // A client that left while its request was looked at has closed already; HEAD wants no more than the headers.
  if (response.closed || response.req.method === "HEAD") end("");
  return { fail };
}

/** Ends a subscription; it has no id and is not stored: the session itself goes on. */
function errorFrame(code: TurnErrorCode, message: string): string {
  const data = { type: "error", data: { code, message, retryable: code !== "cursor_expired" } };
  return `event: error\ndata: ${JSON.stringify(data)}\n\n`;
}
