/** The three calls the browser makes. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import express, { Router, type Request, type Response } from "express";
import { z } from "zod";
import { IssuedSessions } from "./issued-sessions.ts";
import { KartaClient } from "./karta.ts";

/** Characters of one message; the page's textarea has the same bound. */
export const TEXT_LIMIT = 8_000;
/** 8,000 characters fit even when every one of them is JSON-escaped. */
const BODY_LIMIT = "64kb";
const TITLE = "Beans · Karta Coffee Co. support";

const Message = z.object({
  session_id: z.string().regex(/^sess_[A-Za-z0-9]{8,64}$/, { error: "expected a session id" }),
  text: z
    .string({ error: "expected a string" })
    .max(TEXT_LIMIT, { error: `expected at most ${TEXT_LIMIT} characters` })
    .refine((text) => text.trim() !== "", { error: "expected some text" }),
});
const IdempotencyKey = z
  .string()
  .regex(/^[A-Za-z0-9-]{8,64}$/)
  .optional()
  .catch(undefined);

/** `POST /api/spawn`, `POST /api/message` and `GET /api/info`, in front of one Karta. */
export function api(karta: KartaClient, sessions = new IssuedSessions()): Router {
  const router = Router();

  router.get("/info", async (_request, response) => {
    const { version, offline } = await karta.health();
    response.set("Cache-Control", "no-store").json({ title: TITLE, offline, karta: version });
  });

  router.post("/spawn", async (_request, response) => {
    const sessionId = await karta.createSession({ channel: "web", widget: "support-bot-demo" });
    sessions.add(sessionId);
    response.json({ session_id: sessionId });
  });

  router.post("/message", express.json({ limit: BODY_LIMIT }), async (request, response) => {
    // Anything but application/json is left unparsed: a plain form of another site cannot send it.
    if (!request.is("application/json")) {
      response
        .status(415)
        .json({ error: "unsupported_media_type", detail: "Send Content-Type: application/json." });
      return;
    }
    const message = Message.safeParse(request.body);
    if (!message.success) {
      response.status(422).json({ error: "invalid_request", detail: describe(message.error) });
    } else if (!sessions.use(message.data.session_id)) {
      response
        .status(404)
        .json({ error: "unknown_session", detail: "Open a new session with POST /api/spawn." });
    } else {
      await relayTurn(karta, message.data, request, response);
    }
  });

  return router;
}

/** Carries Karta's event stream to the browser as it comes, byte for byte. */
async function relayTurn(
  karta: KartaClient,
  message: z.infer<typeof Message>,
  request: Request,
  response: Response,
): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  try {
    const upstream = await karta.streamTurn({
      sessionId: message.session_id,
      text: message.text,
      idempotencyKey: IdempotencyKey.parse(request.headers["idempotency-key"]),
      signal: left.signal,
    });
    response.status(200).set({
      "Content-Type": upstream.headers.get("content-type") ?? "text/event-stream",
      "Cache-Control": "no-cache, no-transform",
      "X-Accel-Buffering": "no", // nginx would hold the stream back
    });
    response.flushHeaders();
    if (upstream.body === null) response.end();
    else await pipeline(Readable.fromWeb(upstream.body), response);
  } catch (error) {
    // The visitor left, or Karta broke off after the status was sent: nobody is left to tell. The page sees a stream
    // with no terminal event and offers a retry.
    if (!left.signal.aborted && !response.headersSent) throw error;
    response.destroy();
  }
}

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`).join("; ");
}
