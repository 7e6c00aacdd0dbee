/**
 * The texts of keys. An API key is `sk_live_`, 12 characters that find it, and 50 that are its secret (258 random bits);
 * an embed key is `pk_live_` and 24 characters, and no secret: it stands in pages.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { customAlphabet } from "nanoid";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const random = (length: number): string => customAlphabet(ALPHABET, length)();

const API_KEY = /^(sk_live_[0-9a-z]{12})_[0-9a-z]{50}$/;
const EMBED_KEY = /^pk_live_[0-9a-z]{24}$/;
const JSON_WEB_TOKEN = /^ey[\w-]+\.[\w-]+\.[\w-]*$/;

export interface KeyText {
  readonly text: string;
  /** What the key is looked up by. */
  readonly prefix: string;
}

export function newApiKeyText(): KeyText {
  const prefix = `sk_live_${random(12)}`;
  return { prefix, text: `${prefix}_${random(50)}` };
}

export function newEmbedKeyText(): KeyText {
  const text = `pk_live_${random(24)}`;
  return { prefix: text, text };
}

/** What a credential looks like. `foreign`: nothing that Karta makes, the made-up key of an SDK that wants one, say. */
export type CredentialForm = "api" | "embed" | "token" | "foreign";

export function formOf(credential: string): CredentialForm {
  if (credential.startsWith("sk_live_")) return "api";
  if (credential.startsWith("pk_live_")) return "embed";
  return JSON_WEB_TOKEN.test(credential) ? "token" : "foreign";
}

/** What a key's text is looked up by; null for what cannot be a key's text. */
export function prefixOf(text: string): string | null {
  return API_KEY.exec(text)?.[1] ?? EMBED_KEY.exec(text)?.[0] ?? null;
}

/**
 * SHA-256, in hex. A slow hash (scrypt, Argon2) is for words that people choose, which can be guessed one after the other;
 * of 258 random bits nobody guesses one, and each request would pay for it.
 */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** In constant time. @param hash what `hashOf` made */
export function hasHash(text: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(text), "hex"), Buffer.from(hash, "hex"));
}
