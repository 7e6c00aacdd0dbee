/** A retried request is the request it repeats: the same key and body within a day finds what the first one made. */
import { KartaError } from "../../shared/errors.ts";

/** What a client sent in `Idempotency-Key`, and a digest of the body it came with. */
export interface Idempotency {
  readonly key: string;
  readonly bodyHash: string;
}

/** How long a key is remembered (spec: http-api, Sessions). */
export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

/** @throws KartaError `idempotency_mismatch` when the key came with another body before */
export function requireSameBody(known: Idempotency, given: Idempotency): void {
  if (known.bodyHash === given.bodyHash) return;
  throw new KartaError(
    "idempotency_mismatch",
    "this Idempotency-Key was used with another body within the last 24 hours; use a new key for a new request",
  );
}
