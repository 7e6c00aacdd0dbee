/** Who a credential stands for, and whether one is wanted at all. What they may do is decided in `daemon/http/access.ts`. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import { VISITOR_PREFIX, type SessionToken } from "../../shared/protocol/tokens.ts";
import type { KeyRepository } from "../store/keys.ts";
import { Identities } from "./identity.ts";
import { formOf } from "./key-text.ts";
import { Keys, type HeldKey } from "./keys.ts";
import { OPERATOR, type Principal } from "./principal.ts";
import { SessionTokens } from "./session-tokens.ts";
import { SigningSecrets } from "./signing-secrets.ts";

/** An address that others may reach, and no API key to keep them out. */
export class UnsafeBindError extends Error {
  override readonly name = "UnsafeBindError";
}

export interface AuthenticatorOptions {
  readonly store: KeyRepository;
  readonly stateHome: string;
  /** Where the public plane binds, and whether `--insecure` was said. */
  readonly bind: { readonly host: string; readonly isLoopback: boolean; readonly insecure: boolean };
  readonly projectExists: (name: string) => boolean;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What an embed key is presented with. */
export interface VisitorClaim {
  readonly embedKey: string;
  /** The page's; null: the request had none, so no browser's page sent it. */
  readonly origin: string | null;
  /** Null: a new visitor. */
  readonly userId: string | null;
  readonly identityToken: string | null;
}

/** How long a token lives if nobody says. */
const TOKEN_SECONDS = 60 * 60;

/** Owner: the composition root. */
export class Authenticator {
  readonly keys: Keys;
  readonly #options: AuthenticatorOptions;
  readonly #identities: Identities;
  readonly #tokens: SessionTokens;

  private constructor(
    options: AuthenticatorOptions,
    parts: { keys: Keys; identities: Identities; tokens: SessionTokens },
  ) {
    this.#options = options;
    this.keys = parts.keys;
    this.#identities = parts.identities;
    this.#tokens = parts.tokens;
  }

  /** @throws UnsafeBindError, SecretFileError */
  static async open(options: AuthenticatorOptions): Promise<Authenticator> {
    const { stateHome, bind, store, projectExists, now } = options;
    const logger = options.logger.child({ part: "keys" });
    const identities = new Identities(path.join(stateHome, "keys", "identity.json"));
    const file = path.join(stateHome, "keys", "session-tokens.json");
    const tokens = new SessionTokens(new SigningSecrets({ file, now, logger }), now);
    const identitySecretOf = (keyId: string) => identities.secretOf(keyId);
    const keys = await Keys.open({ store, logger, now, projectExists, identitySecretOf });
    if (!bind.isLoopback && !bind.insecure && !keys.all.some(({ kind }) => kind === "api")) {
      throw new UnsafeBindError(
        `${bind.host} is not loopback, and without an API key anybody who reaches it could run agents. First ` +
          `\`karta start --host 127.0.0.1\` and \`karta keys create NAME\`, then \`karta restart --host ${bind.host}\`; or say --insecure`,
      );
    }
    return new Authenticator(options, { keys, identities, tokens });
  }

  /**
   * True: HTTP wants no credential. Once a key was made it does, and goes on to when all are revoked or have expired: who
   * takes a key away wants to keep somebody out. Only `--insecure` opens it again.
   */
  get isOpen(): boolean {
    const { insecure, isLoopback } = this.#options.bind;
    return this.keys.isEmpty && (insecure || (isLoopback && !this.keys.everMade));
  }

  /** @param credential null: the request has none. @throws KartaError `unauthorized` */
  async authenticate(credential: string | null): Promise<Principal> {
    if (credential === null) return this.#stranger();
    switch (formOf(credential)) {
      case "token":
        return this.#endUser(credential);
      case "embed":
        throw unauthorized(
          "an embed key opens no route; get a session token with it: POST /v1/embed/session-tokens",
        );
      case "api":
      case "foreign":
        return this.isOpen ? OPERATOR : this.#apiKey(credential);
    }
  }

  /**
   * A token for a user whom the app's backend names.
   * @param keyId the key that asks; null: the operator. The token lives no longer than the key
   */
  issueToken(
    user: { readonly project: string; readonly endUser: string; readonly keyId: string | null },
    seconds: number = TOKEN_SECONDS,
  ): Promise<SessionToken> {
    const expiresAt = user.keyId === null ? null : (this.keys.findUsable(user.keyId)?.expires_at ?? null);
    const left = expiresAt === null ? seconds : Math.ceil((expiresAt - this.#options.now()) / 1000);
    return this.#tokens.issue(user, Math.max(1, Math.min(seconds, left)));
  }

  /** A token for a page's visitor. @throws KartaError `unauthorized`, `origin_not_allowed` */
  admitVisitor({ embedKey, origin, userId, identityToken }: VisitorClaim): Promise<SessionToken> {
    const key = this.keys.find(embedKey);
    if (key?.kind !== "embed" || this.keys.isExpired(key) || !this.#options.projectExists(key.project ?? ""))
      throw unauthorized("the embed key is unknown, was revoked, or has expired");
    if (origin === null || !key.pages.includes(origin))
      throw new KartaError("origin_not_allowed", "the embed key is not for pages of this origin");
    this.keys.noteUse(key);
    return this.issueToken({
      project: key.project ?? "",
      endUser: this.#subject(key, userId, identityToken),
      keyId: key.id,
    });
  }

  /** True: an embed key is for pages of this origin. @param project of any where null */
  hasEmbedOrigin(origin: string, project: string | null): boolean {
    return this.keys.all.some(
      (key) =>
        key.kind === "embed" &&
        (project === null || key.project === project) &&
        !this.keys.isExpired(key) &&
        key.pages.includes(origin),
    );
  }

  #stranger(): Principal {
    if (this.isOpen) return OPERATOR;
    throw unauthorized(
      "this kartad wants a credential: send the header `Authorization: Bearer KEY` or `x-api-key: KEY`; `karta keys create NAME` makes a key",
    );
  }

  #apiKey(text: string): Principal {
    const key = this.keys.find(text);
    if (key?.kind !== "api") throw unauthorized("the API key is unknown, or was revoked");
    if (this.keys.isExpired(key)) throw unauthorized("the API key has expired");
    this.keys.noteUse(key);
    const { id, scope, project, expires_at } = key;
    return { kind: "key", keyId: id, scope: scope ?? "read", project, expiresAt: expires_at };
  }

  async #endUser(token: string): Promise<Principal> {
    const facts = await this.#tokens.verify(token);
    if (facts.keyId !== null && this.keys.findUsable(facts.keyId) === null)
      throw unauthorized("the key that made this session token was revoked, or has expired");
    return { kind: "end_user", ...facts };
  }

  #subject(key: HeldKey, userId: string | null, identityToken: string | null): string {
    if (key.verifies_identity === 1) {
      if (
        userId === null ||
        identityToken === null ||
        !this.#identities.vouchesFor(key.id, userId, identityToken)
      )
        throw unauthorized(
          "identity_token: expected the hex HMAC-SHA256 of user_id under the key's identity secret",
        );
      return userId;
    }
    // Nobody vouches for it, so it must not be the name of a user whom somebody does vouch for.
    return VISITOR_PREFIX + (userId ?? randomBytes(16).toString("hex"));
  }
}

function unauthorized(detail: string): KartaError {
  return new KartaError("unauthorized", detail);
}
