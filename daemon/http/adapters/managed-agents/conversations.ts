/** An end user's sessions: how one is made, and how they are listed. */
import { KartaError } from "../../../../shared/errors.ts";
import {
  END_USER,
  type ConversationSummary,
  type NewConversation,
} from "../../../../shared/protocol/adapters/managed-agents.ts";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import type { Metadata } from "../../../../shared/protocol/metadata.ts";
import type { Session } from "../../../../shared/protocol/sessions.ts";
import { invalidField } from "../../invalid-field.ts";
import type { EventSource } from "../../../events/watcher.ts";
import type { Scope } from "../../../sessions/scope.ts";

/** Which API a session was made by, where its maker has no use of its own for the key. */
const API = "api";
const NAME = "managed-agents";

const TITLE_CHARACTERS = 80;
/** The first message is the first event but for hand-offs by PATCH. */
const FIRST_EVENTS = 20;

/** The one user whose sessions a scope is limited to; null: everybody's, and a request says itself whom it means. */
export function subjectOf(scope: Scope): string | null {
  return "endUser" in scope && typeof scope.endUser === "string" ? scope.endUser : null;
}

/**
 * The metadata of a new session. A scope's own user stands over the one that the body names.
 * @throws KartaError `invalid_request` for two users, or metadata past its limit
 */
export function metadataOf(scope: Scope, { metadata = {}, end_user }: NewConversation): Metadata {
  const subject = subjectOf(scope);
  const found = new Map(Object.entries(metadata));
  const named = found.get(END_USER);
  if (subject === null) {
    if (named !== undefined && typeof named !== "string")
      throw invalidField(`metadata.${END_USER}`, "expected a string");
    if (end_user !== undefined && named !== undefined && named !== end_user)
      throw invalidField(END_USER, "expected the same as metadata.end_user, or one of the two");
  }
  const user = subject ?? end_user;
  if (user !== undefined) found.set(END_USER, user);
  if (found.size > LIMITS.metadataKeys)
    throw invalidField("metadata", `expected at most ${LIMITS.metadataKeys} keys, end_user among them`);
  if (!found.has(API) && found.size < LIMITS.metadataKeys) found.set(API, NAME);
  return Object.fromEntries(found);
}

/** Whose sessions are listed. @param named the user that the request names @throws KartaError `invalid_request` without one */
export function endUserOf(scope: Scope, named: string | undefined): string {
  const user = subjectOf(scope) ?? named;
  if (user === undefined) throw invalidField(END_USER, "required: whose sessions to list");
  return user;
}

/**
 * @param owner what the session's metadata has
 * @throws KartaError `not_found` when that is another user than the one that the request names
 */
export function requireUsers(scope: Scope, owner: unknown, named: string | undefined): void {
  if (subjectOf(scope) !== null || named === undefined || owner === named) return;
  throw new KartaError("not_found", "no such session");
}

export async function summaryOf(session: Session, source: EventSource): Promise<ConversationSummary> {
  const { id, created_at, updated_at, last_seq } = session;
  const newest = last_seq === 0 ? undefined : (await source.page(last_seq - 1, 1))[0];
  const active = Math.max(Date.parse(updated_at), newest?.parse().timestamp ?? 0);
  return {
    id,
    title: await titleOf(source),
    created_at,
    last_activity_at: new Date(active).toISOString(),
  };
}

/** The first message that is kept, as one line. */
async function titleOf(source: EventSource): Promise<string> {
  const first = (await source.page(0, FIRST_EVENTS)).find(({ type }) => type === "message")?.parse();
  return first?.type === "message" ? shortened(first.data.text) : "";
}

/** A title needs no more than the text's beginning. */
const READ = 4 * TITLE_CHARACTERS;

function shortened(text: string): string {
  const line = text
    .slice(0, READ)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  const characters = Array.from(line); // one of two halves is never cut
  if (characters.length <= TITLE_CHARACTERS && text.length <= READ) return line;
  const shown = characters.slice(0, TITLE_CHARACTERS - 1).join("");
  return `${shown.trimEnd()}…`;
}
