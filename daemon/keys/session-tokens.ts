/** Session tokens: JSON Web Tokens of this kartad, for one user of one project (spec: managed-agents, Tokens for browsers). */
import { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import type { SessionToken } from "../../shared/protocol/tokens.ts";
import type { SigningSecrets } from "./signing-secrets.ts";

const ALGORITHM = "HS256"; // one kartad both signs and checks
const TYPE = "karta-session+jwt";
const ISSUER = "karta";

const ClaimsSchema = z.object({
  sub: z.string().min(1),
  project: z.string().min(1),
  exp: z.number(),
  /** The key that made it; left out where the operator did. */
  key: z.string().optional(),
});

export interface TokenFacts {
  readonly project: string;
  readonly endUser: string;
  readonly keyId: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** 10 ms to load, and most daemons never see a token. */
const jose = () => import("jose");

/** Owner: the authenticator. */
export class SessionTokens {
  readonly #secrets: SigningSecrets;
  readonly #now: () => number;

  constructor(secrets: SigningSecrets, now: () => number) {
    this.#secrets = secrets;
    this.#now = now;
  }

  async issue(
    { project, endUser, keyId }: Omit<TokenFacts, "expiresAt">,
    expiresInSeconds: number,
  ): Promise<SessionToken> {
    const { SignJWT } = await jose();
    const { id, secret } = this.#secrets.current();
    const issuedAt = Math.floor(this.#now() / 1000);
    const token = await new SignJWT({ project, ...(keyId === null ? {} : { key: keyId }) })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: id })
      .setIssuer(ISSUER)
      .setSubject(endUser)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + expiresInSeconds)
      .sign(secret);
    return { token, expires_in: expiresInSeconds };
  }

  /** @throws KartaError `unauthorized` */
  async verify(token: string): Promise<TokenFacts> {
    const { jwtVerify, errors } = await jose();
    try {
      const { payload } = await jwtVerify(
        token,
        ({ kid }) => {
          const found = this.#secrets.find(kid ?? "");
          if (found === null) throw new errors.JWSSignatureVerificationFailed();
          return found.secret;
        },
        { algorithms: [ALGORITHM], typ: TYPE, issuer: ISSUER, currentDate: new Date(this.#now()) },
      );
      const { sub, project, exp, key } = ClaimsSchema.parse(payload);
      return { project, endUser: sub, keyId: key ?? null, expiresAt: exp * 1000 };
    } catch (error) {
      throw new KartaError(
        "unauthorized",
        error instanceof errors.JWTExpired
          ? "the session token has expired; get a new one"
          : "this is no session token of this kartad",
      );
    }
  }
}
