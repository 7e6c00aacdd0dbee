/**
 * The secrets that session tokens are signed with, newest first. A new one is made every 30 days; an old one stays for as
 * long as a token that it signed can be valid, so that nobody's token dies of the change.
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { z } from "zod";
import { LIMITS } from "../../shared/protocol/limits.ts";
import { readSecretFile, writeSecretFile } from "./secret-file.ts";

const ROTATE_MS = 30 * 24 * 60 * 60 * 1000;
const LONGEST_TOKEN_MS = LIMITS.longestTokenSeconds * 1000;

const FileSchema = z.strictObject({
  secrets: z
    .array(z.strictObject({ id: z.string().min(1), secret: z.base64url().min(43), created_at: z.int() }))
    .min(1),
});
type Secrets = z.infer<typeof FileSchema>["secrets"];

export interface SigningSecret {
  /** The `kid` of the tokens that it signs. */
  readonly id: string;
  readonly secret: Uint8Array;
}

/** Owner: the authenticator. */
export class SigningSecrets {
  readonly #file: string;
  readonly #now: () => number;
  readonly #logger: Logger;
  #secrets: Secrets;

  /** @throws SecretFileError, or the file system's own error */
  constructor({ file, now, logger }: { file: string; now: () => number; logger: Logger }) {
    this.#file = file;
    this.#now = now;
    this.#logger = logger;
    this.#secrets = readSecretFile(file, FileSchema)?.secrets ?? this.#write([newSecret(now())]);
  }

  /** What signs now. Makes a new one when its time has come; where that cannot be written, the old one goes on. */
  current(): SigningSecret {
    const newest = this.#secrets[0];
    // One that was made by a clock that ran ahead would else stay until that time has come.
    if (newest === undefined || Math.abs(this.#now() - newest.created_at) > ROTATE_MS) this.#rotate();
    return opened(this.#secrets[0] ?? newSecret(this.#now()));
  }

  /** What a token says that it was signed with; null when it is not known (any more). */
  find(id: string): SigningSecret | null {
    const found = this.#secrets.find((one) => one.id === id);
    return found === undefined ? null : opened(found);
  }

  #rotate(): void {
    const now = this.#now();
    // Each was replaced when the one before it in the list was made.
    const stillUsed = this.#secrets.filter((_, place) => {
      const successor = this.#secrets[place - 1];
      return successor === undefined || now - successor.created_at < LONGEST_TOKEN_MS;
    });
    try {
      this.#secrets = this.#write([newSecret(now), ...stillUsed]);
      this.#logger.info("session tokens are signed with a new secret from now on");
    } catch (error) {
      this.#logger.warn(
        { err: error },
        "a new secret for session tokens could not be written; the old one goes on",
      );
    }
  }

  #write(secrets: Secrets): Secrets {
    writeSecretFile(this.#file, { secrets });
    return secrets;
  }
}

function newSecret(now: number): Secrets[number] {
  return {
    id: randomBytes(8).toString("hex"),
    secret: randomBytes(32).toString("base64url"),
    created_at: now,
  };
}

function opened({ id, secret }: Secrets[number]): SigningSecret {
  return { id, secret: Buffer.from(secret, "base64url") };
}
