/** What is in the store, read from outside. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { storeFile } from "../../../../daemon/store/files.ts";

const SessionRowSchema = z.object({
  id: z.string(),
  metadata: z.string().transform((text) => z.record(z.string(), z.unknown()).parse(JSON.parse(text))),
  archived_at: z.int().nullable(),
});
const TurnRowSchema = z.object({ id: z.string(), session_id: z.string(), state: z.string() });
const EventRowSchema = z.object({
  session_id: z.string(),
  seq: z.int(),
  turn_id: z.string().nullable(),
  type: z.string(),
});

export interface Stored {
  readonly sessions: z.output<typeof SessionRowSchema>[];
  readonly turns: z.output<typeof TurnRowSchema>[];
  readonly events: z.output<typeof EventRowSchema>[];
  /** What SQLite says of the file: `ok`. */
  readonly integrity: string;
  /** Rows whose parents are not there. */
  readonly strays: number;
}

/** Reads a copy: what is on a small disk of another mount namespace, SQLite does not open. Call it when kartad has ended. */
export function readStore(stateHome: string): Stored {
  const folder = mkdtempSync(path.join(os.tmpdir(), "karta-chaos-"));
  for (const name of readdirSync(stateHome).filter((file) => file.startsWith("karta.db")))
    copyFileSync(path.join(stateHome, name), path.join(folder, name));
  const database = new DatabaseSync(storeFile(folder));
  try {
    const rows = (query: string) => database.prepare(query).all();
    return {
      sessions: z.array(SessionRowSchema).parse(rows("SELECT id, metadata, archived_at FROM sessions")),
      turns: z.array(TurnRowSchema).parse(rows("SELECT id, session_id, state FROM turns")),
      events: z
        .array(EventRowSchema)
        .parse(rows("SELECT session_id, seq, turn_id, type FROM events ORDER BY session_id, seq")),
      integrity: rows("PRAGMA integrity_check")
        .map((row) => String(row.integrity_check))
        .join("; "),
      strays: rows("PRAGMA foreign_key_check").length,
    };
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}
