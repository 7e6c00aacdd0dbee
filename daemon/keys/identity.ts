/**
 * Verified identity: an app's backend vouches for a user of its page with an HMAC (spec: managed-agents). Each embed key's
 * identity secret is derived from one secret of this kartad, so that the store holds none.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { readSecretFile, writeSecretFile } from "./secret-file.ts";

const FileSchema = z.strictObject({ secret: z.base64url().min(43) });

/** Owner: the authenticator. */
export class Identities {
  readonly #secret: Buffer;

  /** @throws SecretFileError, or the file system's own error */
  constructor(file: string) {
    const stored = readSecretFile(file, FileSchema)?.secret;
    this.#secret = stored === undefined ? randomBytes(32) : Buffer.from(stored, "base64url");
    if (stored === undefined) writeSecretFile(file, { secret: this.#secret.toString("base64url") });
  }

  /** The text that the app's backend keeps. */
  secretOf(keyId: string): string {
    return `idsec_${createHmac("sha256", this.#secret).update(`identity:${keyId}`).digest("hex")}`;
  }

  /** @param token hex HMAC-SHA256 of the user's id under the key's identity secret */
  vouchesFor(keyId: string, userId: string, token: string): boolean {
    const expected = createHmac("sha256", this.secretOf(keyId)).update(userId).digest();
    const given = /^[0-9a-f]{64}$/i.test(token) ? Buffer.from(token, "hex") : Buffer.alloc(expected.length);
    return timingSafeEqual(expected, given);
  }
}
