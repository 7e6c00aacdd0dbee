/**
 * Sessions of end users. `end_user` in a session's metadata says whose it is. An app's backend may say so; who holds a
 * session token is one user, and can neither be another nor lift what keeps the agent safe.
 */
import { issuesFromZod, KartaError } from "../../shared/errors.ts";
import { MetadataSchema, type Metadata } from "../../shared/protocol/metadata.ts";
import type { CreateSession, PatchSession } from "../../shared/protocol/sessions.ts";
import { limitsOf, type Scope } from "./scope.ts";

/** The metadata's key that names the user. */
const END_USER_KEY = "end_user";

/**
 * The metadata of a session that is made in a scope: a token's is its user's, whatever the body says.
 * @throws KartaError `invalid_request` when there is no room for the user's name
 */
export function metadataIn(scope: Scope, given: Metadata = {}): Metadata {
  const { endUser } = limitsOf(scope);
  if (endUser === null) return given;
  const checked = MetadataSchema.safeParse({ ...given, [END_USER_KEY]: endUser });
  if (checked.success) return checked.data;
  const issues = issuesFromZod(checked.error).map(({ message }) => ({ path: "metadata", message }));
  throw new KartaError(
    "invalid_request",
    `metadata, with ${END_USER_KEY}: ${issues[0]?.message ?? "is not valid"}`,
    {
      issues,
    },
  );
}

/** @throws KartaError `forbidden` for what an end user may not ask of a session, a new one or an old one */
export function requireAllowed(
  scope: Scope,
  { metadata, permission_mode }: Pick<CreateSession & PatchSession, "metadata" | "permission_mode">,
): void {
  const { endUser } = limitsOf(scope);
  if (endUser === null) return;
  if (permission_mode === "autonomous") {
    throw new KartaError(
      "forbidden",
      "a session token cannot make a session autonomous; the app's backend can, with an API key",
    );
  }
  if (metadata !== undefined && END_USER_KEY in metadata && metadata[END_USER_KEY] !== endUser) {
    throw new KartaError(
      "forbidden",
      `a session token's sessions are its own user's: metadata.${END_USER_KEY} cannot be another`,
    );
  }
}
