/** Keys: made, listed, revoked and recognised. Those that are not revoked are few, and kept in memory. */
import type { Logger } from "pino";
import { z } from "zod";
import { KartaError } from "../../shared/errors.ts";
import { newId } from "../../shared/ids.ts";
import type { CreatedKey, CreateKey, Key } from "../../shared/protocol/keys.ts";
import type { KeyRepository } from "../store/keys.ts";
import type { KeyRow } from "../store/schema.ts";
import { hashOf, hasHash, newApiKeyText, newEmbedKeyText, prefixOf } from "./key-text.ts";

/** Keys that are not revoked. */
const MOST_KEYS = 1000;
/** Revoked keys that the list still shows. */
const REVOKED_KEPT = 1000;
/** A key's last use is written down at most so often. */
const USE_MS = 60_000;

/** A key that is not revoked. */
export interface HeldKey extends KeyRow {
  /** The origins of the pages that an embed key is for. */
  readonly pages: readonly string[];
}

export interface KeysOptions {
  readonly store: KeyRepository;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly projectExists: (name: string) => boolean;
  /** The identity secret of an embed key that has one. */
  readonly identitySecretOf: (keyId: string) => string;
}

/** Owner: the authenticator. */
export class Keys {
  readonly #options: KeysOptions;
  /** Those that are not revoked; an expired one is refused, but it is there. */
  readonly #byPrefix = new Map<string, HeldKey>();
  readonly #revocationListeners = new Set<(keyId: string) => void>();
  #everMade = false;
  /** Changes one at a time: two keys of one name must not both be made. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: KeysOptions) {
    this.#options = options;
  }

  static async open(options: KeysOptions): Promise<Keys> {
    const keys = new Keys(options);
    const rows = await options.store.list();
    for (const row of rows) if (row.revoked_at === null) keys.#hold(row);
    keys.#everMade = rows.length > 0;
    return keys;
  }

  /** Keys that are not revoked. */
  get all(): readonly HeldKey[] {
    return [...this.#byPrefix.values()];
  }

  get isEmpty(): boolean {
    return this.#byPrefix.size === 0;
  }

  /** Also when all that were made are revoked. */
  get everMade(): boolean {
    return this.#everMade;
  }

  /** Called with the id of each key that is revoked, at once. */
  onRevoked(listener: (keyId: string) => void): void {
    this.#revocationListeners.add(listener);
  }

  /** The key of this text; null for any other text, a revoked key's too. An expired key is found: see `isExpired`. */
  find(text: string): HeldKey | null {
    const prefix = prefixOf(text);
    const row = prefix === null ? undefined : this.#byPrefix.get(prefix);
    return row !== undefined && hasHash(text, row.hash) ? row : null;
  }

  /** The key of this id, if it can be used now. */
  findUsable(id: string): HeldKey | null {
    return this.all.find((row) => row.id === id && !this.isExpired(row)) ?? null;
  }

  isExpired({ expires_at }: Pick<KeyRow, "expires_at">): boolean {
    return expires_at !== null && expires_at <= this.#options.now();
  }

  /** Notes that a key was used; nothing waits for it. */
  noteUse(row: HeldKey): void {
    const now = this.#options.now();
    // A use that lies ahead was noted by a clock that has been set back since.
    if (Math.abs(now - (row.last_used_at ?? 0)) < USE_MS) return;
    row.last_used_at = now;
    this.#options.store
      .update(row.id, { last_used_at: now })
      .catch((error: unknown) =>
        this.#options.logger.debug({ err: error }, "a key's use was not written down"),
      );
  }

  /**
   * Makes a key. Its text, and an embed key's identity secret, are in the answer and nowhere else.
   * @throws KartaError `not_found` for a project, `key_name_taken`, `too_many_keys`, `invalid_request`
   */
  create(asked: CreateKey): Promise<CreatedKey> {
    return this.#inTurn(async () => {
      this.#requirePossible(asked);
      const now = this.#options.now();
      const { text, prefix } = asked.kind === "api" ? newApiKeyText() : newEmbedKeyText();
      const row: KeyRow = {
        id: newId("key"),
        kind: asked.kind,
        name: asked.name,
        prefix,
        hash: hashOf(text),
        scope: asked.kind === "api" ? (asked.scope ?? "write") : null,
        project: asked.project ?? null,
        origins: JSON.stringify(asked.kind === "embed" ? [...new Set(asked.origins)] : []),
        verifies_identity: asked.kind === "embed" && asked.verify_identity === true ? 1 : 0,
        created_at: now,
        expires_at: asked.expires_at === undefined ? null : Date.parse(asked.expires_at),
        revoked_at: null,
        last_used_at: null,
      };
      await this.#options.store.insert(row);
      this.#hold(row);
      this.#options.logger.info({ key_id: row.id, key_name: row.name, kind: row.kind }, "key made");
      return {
        ...keyView(row, now),
        key: text,
        identity_secret: row.verifies_identity === 1 ? this.#options.identitySecretOf(row.id) : null,
      };
    });
  }

  /** Every key, newest first, the revoked among them. */
  async list(): Promise<Key[]> {
    const now = this.#options.now();
    return (await this.#options.store.list()).map((row) => keyView(row, now));
  }

  /** Revokes the key of this id, or of this name. It is refused from now on. @throws KartaError `not_found` */
  revoke(idOrName: string): Promise<Key> {
    return this.#inTurn(async () => {
      const row =
        this.all.find(({ id }) => id === idOrName) ?? this.all.find(({ name }) => name === idOrName);
      if (row === undefined)
        throw new KartaError(
          "not_found",
          `no key that is not revoked has the id or name "${idOrName}"; see \`karta keys list\``,
        );
      const now = this.#options.now();
      await this.#options.store.update(row.id, { revoked_at: now });
      row.revoked_at = now;
      this.#byPrefix.delete(row.prefix);
      for (const listener of this.#revocationListeners) listener(row.id);
      this.#options.logger.info({ key_id: row.id, key_name: row.name }, "key revoked");
      await this.#options.store.forgetRevoked(REVOKED_KEPT);
      return keyView(row, now);
    });
  }

  #hold(row: KeyRow): void {
    this.#byPrefix.set(row.prefix, { ...row, pages: pagesOf(row) });
    this.#everMade = true;
  }

  #requirePossible({ name, project, expires_at }: CreateKey): void {
    if (project !== undefined && !this.#options.projectExists(project))
      throw new KartaError(
        "not_found",
        `no project is registered as "${project}"; see \`karta project list\``,
      );
    if (expires_at !== undefined && Date.parse(expires_at) <= this.#options.now()) {
      const message = `expected a time to come, found ${expires_at}`;
      throw new KartaError("invalid_request", `expires_at: ${message}`, {
        issues: [{ path: "expires_at", message }],
      });
    }
    if (this.all.some((row) => row.name === name)) {
      throw new KartaError(
        "key_name_taken",
        `a key has the name "${name}" already; choose another, or revoke it with \`karta keys revoke\``,
      );
    }
    if (this.#byPrefix.size >= MOST_KEYS)
      throw new KartaError("too_many_keys", `there are ${MOST_KEYS} keys, which is the limit; revoke some`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function pagesOf({ origins }: Pick<KeyRow, "origins">): string[] {
  return z.array(z.string()).parse(JSON.parse(origins));
}

function keyView(row: KeyRow, now: number): Key {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const isExpired = row.expires_at !== null && row.expires_at <= now;
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    prefix: row.prefix,
    scope: row.scope,
    project: row.project,
    origins: pagesOf(row),
    verifies_identity: row.verifies_identity === 1,
    state: row.revoked_at !== null ? "revoked" : isExpired ? "expired" : "active",
    created_at: new Date(row.created_at).toISOString(),
    expires_at: time(row.expires_at),
    revoked_at: time(row.revoked_at),
    last_used_at: time(row.last_used_at),
  };
}
