/** Carries a reply's events to the browser, in the form that Karta itself streams them. */
import { once } from "node:events";
import type { Request, Response } from "express";
import type { SessionEvent } from "karta/client";
import { z } from "zod";
import type { Karta } from "./karta.ts";

/** So much silence, and a proxy on the way to the browser may take the connection for dead. */
const PING_MS = 15_000;

/** The page's own key: the same again asks for the same turn again, which runs once. */
const IdempotencyKey = z
  .string()
  .regex(/^[A-Za-z0-9-]{8,64}$/)
  .optional()
  .catch(undefined);

/**
 * Sends the message and streams the reply. Karta may restart meanwhile: the client reads on by itself, and the browser
 * sees a pause, and then the turn's end, whatever that is.
 * @throws what Karta refused the message with; later errors break the stream off
 */
export async function relayReply(
  karta: Karta,
  message: { readonly session_id: string; readonly text: string },
  request: Request,
  response: Response,
): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  const ping = setInterval(() => {
    if (response.headersSent && !response.writableNeedDrain) response.write(": ping\n\n");
  }, PING_MS);
  try {
    const events = karta.reply(message.session_id, message.text, {
      idempotencyKey: IdempotencyKey.parse(request.headers["idempotency-key"]),
      signal: left.signal,
      onConnection: (change) => {
        if (change === "open" && !response.headersSent) begin(response);
      },
    });
    for await (const event of events) {
      ping.refresh();
      if (!response.write(frame(event))) await once(response, "drain", { signal: left.signal });
    }
    response.end();
  } catch (error) {
    // The visitor left, or Karta broke off after the status was sent: nobody is left to tell. The page sees a stream
    // with no terminal event and offers a retry.
    if (!left.signal.aborted && !response.headersSent) throw error;
    response.destroy();
  } finally {
    clearInterval(ping);
  }
}

function begin(response: Response): void {
  response.status(200).set({
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no", // nginx would hold the stream back
  });
  response.flushHeaders();
}

function frame(event: SessionEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
