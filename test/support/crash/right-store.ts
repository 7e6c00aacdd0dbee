/** What holds of a store at any instant: SQLite's own checks, and what Karta promises of sessions, turns and events. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What clients know. */
export interface Told {
  /** Events that were streamed: each as its JSON. */
  readonly frames: string[];
  /** Ends of turns that were told in an answer. */
  readonly ends: { readonly turnId: string; readonly status: string }[];
}

/** Each is a question that must have no answer. */
const WRONG: Readonly<Record<string, string>> = {
  "events with a hole":
    "SELECT session_id FROM events GROUP BY session_id HAVING max(seq) - min(seq) + 1 <> count(*)",
  "a turn that ended more than once":
    "SELECT turn_id FROM events WHERE type IN ('done', 'error') GROUP BY turn_id HAVING count(*) > 1",
  "an event after its turn's end":
    "SELECT e.turn_id FROM events e JOIN events f ON f.turn_id = e.turn_id AND f.seq > e.seq WHERE e.type IN ('done', 'error')",
  "a turn's row that ended without its event, or the other way round": `SELECT t.id FROM turns t JOIN events m ON m.turn_id = t.id AND m.type = 'message'
     WHERE (t.ended_at IS NULL) = EXISTS (SELECT 1 FROM events e WHERE e.turn_id = t.id AND e.type IN ('done', 'error'))`,
  "a message without a turn":
    "SELECT turn_id FROM events WHERE type = 'message' AND turn_id NOT IN (SELECT id FROM turns)",
  "a turn without a message": `SELECT t.id FROM turns t WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.turn_id = t.id AND e.type = 'message')
     AND (SELECT min(seq) FROM events WHERE session_id = t.session_id) = 1`,
  "a message that was accepted twice":
    "SELECT idempotency_key FROM turns WHERE idempotency_key IS NOT NULL GROUP BY session_id, idempotency_key HAVING count(*) > 1",
  "a session that was made twice":
    "SELECT idempotency_key FROM sessions WHERE idempotency_key IS NOT NULL GROUP BY project, idempotency_key HAVING count(*) > 1",
  "an approval that was answered twice":
    "SELECT json_extract(data, '$.request_id') AS request FROM events WHERE type = 'input_resolved' GROUP BY request HAVING count(*) > 1",
  "an approval that waits in a turn that has ended": `SELECT e.turn_id FROM events e JOIN turns t ON t.id = e.turn_id AND t.ended_at IS NOT NULL WHERE e.type = 'input_required' AND NOT EXISTS
     (SELECT 1 FROM events r WHERE r.type = 'input_resolved' AND json_extract(r.data, '$.request_id') = json_extract(e.data, '$.request_id'))`,
  "a response of a session that is archived":
    "SELECT r.id FROM responses r JOIN sessions s ON s.id = r.session_id WHERE s.archived_at IS NOT NULL",
  "a session's agent that its last hand-off does not name": `SELECT s.id FROM sessions s JOIN events e ON e.session_id = s.id AND e.type = 'agent_handoff'
     AND e.seq = (SELECT max(seq) FROM events WHERE session_id = s.id AND type = 'agent_handoff')
     WHERE s.current_agent <> json_extract(e.data, '$.to')`,
  "a key's name that stands for two":
    "SELECT name FROM keys WHERE revoked_at IS NULL GROUP BY name HAVING count(*) > 1",
};

/** Opens a copy: looking at it must not mend it. */
export function lookAt<T>(stateHome: string, look: (database: DatabaseSync) => T): T {
  const folder = mkdtempSync(path.join(os.tmpdir(), "karta-look-"));
  for (const name of ["karta.db", "karta.db-wal"]) {
    const file = path.join(stateHome, name);
    if (existsSync(file)) copyFileSync(file, path.join(folder, name));
  }
  const database = new DatabaseSync(path.join(folder, "karta.db"));
  try {
    return look(database);
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}

/** @throws Error that names everything that is wrong with a store's files */
export function requireRightStore(stateHome: string, told: Told): void {
  const problems = lookAt(stateHome, (database) => {
    const said = database
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row.integrity_check));
    const found = said.filter((line) => line !== "ok");
    if (database.prepare("PRAGMA foreign_key_check").all().length > 0) found.push("a row belongs to nothing");
    const tables = new Set(
      database
        .prepare("SELECT name FROM sqlite_master")
        .all()
        .map(({ name }) => name),
    );
    if (!tables.has("keys")) return found; // it died while the schema was made
    for (const [what, question] of Object.entries(WRONG)) {
      const rows = database.prepare(question).all();
      if (rows.length > 0) found.push(`${what}: ${JSON.stringify(rows)}`);
    }
    return [...found, ...contradicted(database, told)];
  });
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

/** What clients were told is a part of the log. */
function contradicted(database: DatabaseSync, { frames, ends }: Told): string[] {
  const found: string[] = [];
  const stored = database.prepare(
    `SELECT type, turn_id, timestamp, data FROM events WHERE session_id = ? AND seq = ?`,
  );
  const oldest = database.prepare("SELECT min(seq) AS seq FROM events WHERE session_id = ?");
  for (const frame of frames) {
    const event = JSON.parse(frame) as { session_id: string; seq: number };
    const row = stored.get(event.session_id, event.seq);
    if (row === undefined && Number(oldest.get(event.session_id)?.seq ?? 0) > event.seq) continue; // past its retention
    const kept = row && {
      ...row,
      session_id: event.session_id,
      seq: event.seq,
      data: JSON.parse(String(row.data)) as unknown,
    };
    const same = JSON.stringify(sorted(kept)) === JSON.stringify(sorted(event));
    if (!same) found.push(`a client saw ${frame}, the log has ${JSON.stringify(kept)}`);
  }
  const ended = database.prepare("SELECT state FROM turns WHERE id = ?");
  for (const { turnId, status } of ends) {
    const state = ended.get(turnId)?.state;
    if (state !== status)
      found.push(`a client was told that ${turnId} is ${status}, the log says ${String(state)}`);
  }
  return found;
}

function sorted(value: object | undefined): unknown {
  return value && Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}
