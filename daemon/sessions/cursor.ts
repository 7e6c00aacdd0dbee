/** A place in the list of sessions, opaque to clients. It names a row, so inserts and deletes do not shift pages. */
import { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import type { SessionCursor } from "../store/sessions.ts";

const CursorSchema = z.tuple([z.int().nonnegative(), z.string().max(100)]);

export function encodeCursor(cursor: SessionCursor): string {
  return Buffer.from(JSON.stringify([cursor.createdAt, cursor.id])).toString("base64url");
}

/** @throws KartaError `invalid_request` */
export function decodeCursor(text: string): SessionCursor {
  try {
    const [createdAt, id] = CursorSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    return { createdAt, id };
  } catch {
    throw new KartaError("invalid_request", "a query value is not valid", {
      issues: [{ path: "cursor", message: "expected the next_cursor of an earlier page" }],
    });
  }
}
