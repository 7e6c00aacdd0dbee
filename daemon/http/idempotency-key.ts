/** The `Idempotency-Key` header. */
import { createHash } from "node:crypto";
import type { Request } from "express";
import type { Idempotency } from "../sessions/idempotency.ts";

const HEADER = "idempotency-key";

/**
 * The request's key with a digest of its body; null without the header.
 * The route's declaration says what a key may be. `stream` is left out: how an answer is read does not make it another
 * request. The key itself goes no further than here: clients make them of what they have, and the store keeps a digest.
 */
export function idempotencyOf(request: Request, body: Readonly<Record<string, unknown>>): Idempotency | null {
  const key = request.headers[HEADER];
  if (typeof key !== "string") return null;
  const { stream: _stream, ...rest } = body;
  return { key: digestOf(key), bodyHash: digestOf(canonical(rest)) };
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** JSON with its keys in order: the same body is the same text, however it was written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
