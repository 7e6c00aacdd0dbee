/** The three calls the browser makes. */
import express, { Router } from "express";
import { z } from "zod";
import { IssuedSessions } from "./issued-sessions.ts";
import type { Karta } from "./karta.ts";
import { relayReply } from "./relay.ts";

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
/** `POST /api/spawn`, `POST /api/message` and `GET /api/info`, in front of one Karta. */
export function api(karta: Karta, sessions = new IssuedSessions()): Router {
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
      await relayReply(karta, message.data, request, response);
    }
  });

  return router;
}

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`).join("; ");
}
