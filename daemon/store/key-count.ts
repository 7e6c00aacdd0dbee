/** How many keys a store holds, for those who look without being kartad: nothing is opened for writing, nothing is migrated. */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { storeFile } from "./files.ts";

export interface KeyCount {
  /** API keys and embed keys that can be used now. */
  readonly api: number;
  readonly embed: number;
  /** Those that are not revoked; an expired one is among them. */
  readonly held: number;
  /** API keys among those: with one of them an address other than loopback may be bound. */
  readonly heldApi: number;
  /** All that are in the store, the revoked among them. */
  readonly ever: number;
}

const NONE: KeyCount = { api: 0, embed: 0, held: 0, heldApi: 0, ever: 0 };

const QUERY = `
select
  count(*) filter (where kind = 'api' and revoked_at is null and (expires_at is null or expires_at > :now)) as api,
  count(*) filter (where kind = 'embed' and revoked_at is null and (expires_at is null or expires_at > :now)) as embed,
  count(*) filter (where revoked_at is null) as held,
  count(*) filter (where kind = 'api' and revoked_at is null) as heldApi,
  count(*) as ever
from keys`;

const CountSchema = z.object({
  api: z.int(),
  embed: z.int(),
  held: z.int(),
  heldApi: z.int(),
  ever: z.int(),
});

/** @param now milliseconds since the epoch. @returns null where the store cannot be read; no store has no keys */
export function countKeys(stateHome: string, now: number): KeyCount | null {
  const file = storeFile(stateHome);
  if (!existsSync(file)) return NONE;
  try {
    using database = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
    // A store from before there were keys has no such table.
    const tables = database.prepare("select name from sqlite_schema where type = 'table' and name = 'keys'");
    return tables.get() === undefined ? NONE : CountSchema.parse(database.prepare(QUERY).get({ now }));
  } catch {
    return null;
  }
}
