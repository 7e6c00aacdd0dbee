/** How requests travel: one small interface, so that the same client works over a URL and over a Unix socket. */
import type { Method } from "../protocol/route.ts";

export interface TransportRequest {
  readonly method: Method;
  /** From the server's root, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string | null;
  readonly signal: AbortSignal | undefined;
}

export interface TransportAnswer {
  readonly status: number;
  /** A header's value by its lower-case name. */
  header(name: string): string | null;
  /**
   * The body as text, as it arrives; to be read once. Leaving the loop ends the connection. It is read no faster than
   * it is asked for, so that a slow reader holds Karta back and not its own memory.
   * @throws ConnectionError, or the signal's reason
   */
  readonly chunks: AsyncIterable<string>;
  /** Ends the connection, however much of the body was read; a reading loop then ends or throws. */
  close(): void;
}

export interface Transport {
  /**
   * Sends one request; resolves when the answer's head is in, whatever its status.
   * @throws ConnectionError, or the signal's reason
   */
  request(request: TransportRequest): Promise<TransportAnswer>;
}
