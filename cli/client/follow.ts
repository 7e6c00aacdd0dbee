/** A WebSocket feed that outlives the daemon: it connects again by itself and goes on where it was. */
import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { KartaError } from "../../shared/errors.ts";
import { CliError } from "./errors.ts";
import { connect, type Connection } from "./websocket.ts";

export interface FollowOptions {
  readonly socket: string;
  /** The path and query of the next connection: asked anew each time, so that it can name the place to go on from. */
  readonly target: () => string;
  readonly signal: AbortSignal;
  /** Each handshake's answer. */
  readonly onOpen: (answer: IncomingMessage) => void;
  /** `gone` once when the daemon goes away, `back` once when it answers again. */
  readonly onChange: (change: "gone" | "back") => void;
}

/** `open` comes before the messages of each new connection: the moment to fetch what a feed does not replay. */
export type FeedItem = { readonly kind: "open" } | { readonly kind: "message"; readonly text: string };

/** Waits between attempts, in milliseconds; the last one repeats. A restart takes about a second. */
const WAITS = [50, 100, 200, 400, 800, 1000] as const;

/**
 * Yields until `signal` aborts, then ends quietly.
 * @throws what the first connection fails with, and what a later one is refused with
 */
export async function* follow(options: FollowOptions): AsyncGenerator<FeedItem> {
  const { signal } = options;
  let attempt = 0;
  let first = true;
  let away = false;
  while (!signal.aborted) {
    const connection = await tryConnect(options, first);
    if (connection !== null) {
      first = false;
      if (away) options.onChange("back");
      away = false;
      options.onOpen(connection.answer);
      yield { kind: "open" };
      for await (const text of connection.messages) {
        attempt = 0; // A connection that brings nothing does not count: a daemon that closes at once must not be hammered.
        yield { kind: "message", text };
      }
    }
    if (isAborted(signal)) return;
    if (!away) options.onChange("gone");
    away = true;
    await delay(WAITS[attempt] ?? WAITS[WAITS.length - 1], undefined, { signal }).catch(() => undefined);
    attempt = Math.min(attempt + 1, WAITS.length - 1);
  }
}

/** A connection, or null when a daemon that was there before does not answer now. */
async function tryConnect(options: FollowOptions, first: boolean): Promise<Connection | null> {
  try {
    return await connect(options.socket, options.target(), options.signal);
  } catch (error) {
    if (options.signal.aborted) return null;
    if (!first && isPassing(error)) return null;
    throw error;
  }
}

/** True for what a daemon that stops or starts does to a newcomer. */
function isPassing(error: unknown): boolean {
  if (error instanceof KartaError) return error.status >= 500;
  return error instanceof CliError;
}

/** A function, so that the compiler does not take the loop's own check for still true after an await. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
