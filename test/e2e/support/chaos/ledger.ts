/** What the clients of a chaos run were told. It is held against the log when all is over. */
import { createHash } from "node:crypto";
import type { SessionEvent } from "../../../../shared/events.ts";

/** How a turn ended, as its client was told. */
export interface ToldEnd {
  readonly status: "completed" | "cancelled" | "failed";
  /** All that was said; null where the client is not told it. */
  readonly text: string | null;
  /** Of a failed one. */
  readonly code: string | null;
}

export type Told =
  /** No answer came whole: it may have been accepted or not. */
  | { readonly kind: "nothing" }
  /** The answer to its only request said that it was not accepted. */
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "accepted"; readonly turnId: string | null; readonly end: ToldEnd | null };

/** One message that a client sent, maybe over several requests with one key. */
export interface Sent {
  /** Stands in the message's text, and in no other. */
  readonly nonce: string;
  readonly by: string;
  told: Told;
}

/** An event as somebody saw it: two marks are the same only if all of the event is. */
export interface Mark {
  readonly seq: number;
  readonly digest: string;
}

export function markOf(event: SessionEvent): Mark {
  return {
    seq: event.seq,
    digest: createHash("sha256").update(JSON.stringify(event)).digest("base64url").slice(0, 16),
  };
}

/** What one client saw of a session, over all of its connections, in the order it came. */
export interface View {
  readonly by: string;
  readonly session: string;
  /** Its cursor at the beginning. */
  readonly after: number;
  /** Null: everything in the session. Else what a turn's own stream shows of this turn. */
  turnId: string | null;
  readonly marks: Mark[];
  /** It saw the end it waited for; else it left, or was left by, before. */
  isWhole: boolean;
}

/** A conversation on the managed-agents wire: what its client saw, and what the session says at the end. */
export interface ManagedView {
  readonly session: string;
  readonly seen: { readonly seq: number }[];
  /** The events of the session's snapshot; null until it is taken. */
  snapshot: readonly { readonly seq: number }[] | null;
}

/** A session that a client was told it has. */
export interface OwnedSession {
  readonly id: string;
  /** The newest value of `metadata.count` that was sent, and the newest that was answered. */
  sentCount: number;
  storedCount: number;
  isDeleted: boolean;
}

/** A response of the background. */
export interface BackgroundResponse {
  readonly id: string;
  readonly nonce: string;
  /** As it was read at the end; null: not read. */
  end: ToldEnd | null;
}

export class Ledger {
  readonly sent: Sent[] = [];
  readonly views: View[] = [];
  readonly managed: ManagedView[] = [];
  /** What the operator's tail told, of all sessions. */
  readonly tailed: (Mark & { readonly session: string })[] = [];
  readonly sessions = new Map<string, OwnedSession>();
  readonly responses: BackgroundResponse[] = [];
  /** What each request with a key was answered: one id a key, whatever was lost. */
  readonly keyed = new Map<string, Set<string>>();
  /** What nobody should meet, in words. */
  readonly surprises: string[] = [];
  readonly #counts = new Map<string, number>();
  #nonces = 0;

  /** Begins a message. */
  send(by: string): Sent {
    this.#nonces += 1;
    const sent: Sent = { nonce: `n${this.#nonces}n`, by, told: { kind: "nothing" } };
    this.sent.push(sent);
    return sent;
  }

  view(by: string, session: string, after: number, turnId: string | null = null): View {
    const view: View = { by, session, after, turnId, marks: [], isWhole: false };
    this.views.push(view);
    return view;
  }

  own(id: string): OwnedSession {
    const owned: OwnedSession = { id, sentCount: 0, storedCount: 0, isDeleted: false };
    this.sessions.set(id, owned);
    return owned;
  }

  /** A request with this key was answered with that id. */
  answered(key: string, id: string): void {
    const ids = this.keyed.get(key) ?? new Set();
    this.keyed.set(key, ids.add(id));
  }

  surprise(by: string, error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.surprises.push(`${by}: ${stack ?? String(error)}`);
  }

  /** One more of a kind: `fault:kill kartad`, `reconnect`. */
  count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** What was counted of kinds that begin so, without that beginning. */
  counted(beginning: string): Map<string, number> {
    const found = [...this.#counts].filter(([kind]) => kind.startsWith(beginning));
    return new Map(found.map(([kind, count]) => [kind.slice(beginning.length), count]));
  }
}
