/** A place in a list, opaque to clients. It names what stands there, so inserts and deletes do not shift pages. */
import { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import type { SessionCursor } from "../store/sessions.ts";

const SessionPlaceSchema = z.tuple([z.int().nonnegative(), z.string().max(100)]);

export function encodeCursor(cursor: SessionCursor): string {
  return encodePlace([cursor.createdAt, cursor.id]);
}

/** @throws KartaError `invalid_request` */
export function decodeCursor(text: string): SessionCursor {
  const [createdAt, id] = decodePlace(text, SessionPlaceSchema);
  return { createdAt, id };
}

export function encodePlace(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws KartaError `invalid_request` for what is not a place of this form */
export function decodePlace<S extends z.ZodType>(text: string, schema: S): z.output<S> {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    throw badCursor("expected the next_cursor of an earlier page");
  }
}

export function badCursor(message: string): KartaError {
  return new KartaError("invalid_request", "a query value is not valid", {
    issues: [{ path: "cursor", message }],
  });
}
