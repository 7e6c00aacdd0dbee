/** Opaque ids: a prefix that names the kind, and 24 base-36 characters (124 random bits; the spec asks for 96). */
import { customAlphabet } from "nanoid";

const random = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 24);

export type IdPrefix = "sess" | "turn" | "msg" | "req" | "rel" | "key" | "proc" | "inst";
export type Id<P extends IdPrefix> = `${P}_${string}`;

/** A new unguessable id of the given kind. */
export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  return `${prefix}_${random()}`;
}

/**
 * A new message id: a UUID in disguise (`msg_` and its 32 hexadecimal digits), so that a harness which names messages by
 * UUID takes it as its own, and its history gives our id back. Version 8 ("custom", RFC 9562; 122 random bits) tells it
 * from the UUIDs a harness makes for messages of its own.
 */
export function newMessageId(): Id<"msg"> {
  const uuid = crypto.randomUUID();
  return `msg_${`${uuid.slice(0, 14)}8${uuid.slice(15)}`.replaceAll("-", "")}`;
}

export function isId<P extends IdPrefix>(prefix: P, value: string): value is Id<P> {
  return value.startsWith(`${prefix}_`) && /^[0-9a-z]{20,40}$/.test(value.slice(prefix.length + 1));
}
