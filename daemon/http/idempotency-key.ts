/** The `Idempotency-Key` header. */
import { createHash } from "node:crypto";
import type { Request } from "express";
import { KartaError } from "../../shared/errors.ts";
import type { Idempotency } from "../sessions/idempotency.ts";

const HEADER = "idempotency-key";
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The request's key with a digest of its body; null without the header.
 * `stream` is left out: how an answer is read does not make it another request.
 * @throws KartaError `invalid_request`
 */
export function idempotencyOf(request: Request, body: Readonly<Record<string, unknown>>): Idempotency | null {
  const key = request.headers[HEADER];
  if (key === undefined) return null;
  if (typeof key !== "string" || !KEY.test(key)) {
    throw new KartaError("invalid_request", "Idempotency-Key: expected 1 to 255 visible ASCII characters", {
      issues: [{ path: "Idempotency-Key", message: "expected 1 to 255 visible ASCII characters" }],
    });
  }
  const { stream: _stream, ...rest } = body;
  return { key, bodyHash: createHash("sha256").update(canonical(rest)).digest("hex") };
}

/** JSON with its keys in order: the same body is the same text, however it was written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
