/** Keys and tokens of a bench, and how they are presented. */
import { createHmac } from "node:crypto";
import type { Authenticator } from "../../daemon/keys/authenticator.ts";
import type { CreatedKey, CreateKey } from "../../shared/protocol/keys.ts";

export const bearer = (credential: string) => ({ Authorization: `Bearer ${credential}` });

let made = 0;

/** An API key; the fields given win. */
export function apiKey(
  { keys }: Authenticator,
  given: Partial<Extract<CreateKey, { kind: "api" }>> = {},
): Promise<CreatedKey> {
  return keys.create({ kind: "api", name: `api key ${(made += 1)}`, ...given });
}

/** An embed key of the project `bot`. */
export function embedKey(
  { keys }: Authenticator,
  given: Partial<Extract<CreateKey, { kind: "embed" }>> = {},
): Promise<CreatedKey> {
  const name = `embed key ${(made += 1)}`;
  return keys.create({ kind: "embed", name, project: "bot", origins: ["https://page.example"], ...given });
}

/** A session token's text. */
export async function tokenOf(
  authenticator: Authenticator,
  endUser: string,
  given: { project?: string; keyId?: string | null; seconds?: number } = {},
): Promise<string> {
  const { project = "bot", keyId = null, seconds } = given;
  return (await authenticator.issueToken({ project, endUser, keyId }, seconds)).token;
}

/** What an app's backend vouches for a user with. */
export function identityToken(secret: string | null, userId: string): string {
  return createHmac("sha256", secret ?? "")
    .update(userId)
    .digest("hex");
}
