/** The event log's rows. An append is one transaction: the events and the changes that belong to them, or nothing. */
import { CompiledQuery, sql, type Kysely, type Transaction } from "kysely";
import { EVENT_DATA, type EventData } from "../../shared/events.ts";
import { applyChange, type RowChange } from "./changes.ts";
import type { EventRow, Tables } from "./schema.ts";

export type NewEventRow = Omit<EventRow, "id">;
/** A row as it is read back: with its place in the order over all sessions. */
export type StoredEventRow = NewEventRow & { id: number };

/**
 * Rows that one insert takes: powers of two, so that few statements serve batches of every size. Each is kept prepared, and
 * a statement for every size up to 500 would hold some 50 MB.
 */
const MOST_ROWS = 256;

/** The seqs that a session keeps; zeros for one without events. */
export interface SessionSpan {
  readonly sessionId: string;
  readonly oldest: number;
  readonly newest: number;
}

function rowsOfStatement(rows: number): number {
  return rows >= MOST_ROWS ? MOST_ROWS : 2 ** Math.floor(Math.log2(rows));
}

export class EventRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /**
   * Appends events and applies changes of other rows, all or nothing.
   * @returns the highest id given; ids of one batch are consecutive, in the order of `rows`
   */
  async append(rows: readonly NewEventRow[], changes: readonly RowChange[]): Promise<number> {
    // A single statement is atomic by itself.
    if (changes.length === 0 && rows.length === rowsOfStatement(rows.length))
      return insertAll(this.#db, rows);
    return this.#db.transaction().execute(async (tx) => {
      for (const change of changes) await applyChange(tx, change);
      return insertAll(tx, rows);
    });
  }

  /** Writes a page anew as it is. @throws KartaError `storage_unavailable` where the disk takes none */
  async tryWrite(): Promise<void> {
    await sql`PRAGMA user_version = 0`.execute(this.#db);
  }

  /** Events of a session with `seq > after`, in order. */
  page(sessionId: string, after: number, limit: number): Promise<StoredEventRow[]> {
    return this.#db
      .selectFrom("events")
      .selectAll()
      .where("session_id", "=", sessionId)
      .where("seq", ">", after)
      .orderBy("seq")
      .limit(limit)
      .execute();
  }

  /** Events with `id > after`, of one session or of all, in the order they were stored. */
  pageInOrder(sessionId: string | null, after: number, limit: number): Promise<StoredEventRow[]> {
    let query = this.#db.selectFrom("events").selectAll().where("id", ">", after).orderBy("id").limit(limit);
    if (sessionId !== null) query = query.where("session_id", "=", sessionId);
    return query.execute();
  }

  /** The oldest and newest seq kept; zeros for a session without events. */
  async bounds(sessionId: string): Promise<{ oldest: number; newest: number }> {
    // Each in a select of its own: SQLite looks one end of an index up at once, but reads all of it for both.
    const row = await this.#db
      .selectNoFrom([
        sql<number | null>`(select min(seq) from events where session_id = ${sessionId})`.as("oldest"),
        sql<number | null>`(select max(seq) from events where session_id = ${sessionId})`.as("newest"),
      ])
      .executeTakeFirst();
    return { oldest: row?.oldest ?? 0, newest: row?.newest ?? 0 };
  }

  /** What each session keeps: those after an id, in the order of ids. */
  async spans(after: string, limit: number): Promise<SessionSpan[]> {
    const rows = await this.#db
      .selectFrom("sessions")
      .select([
        "id",
        sql<number | null>`(select min(seq) from events where session_id = sessions.id)`.as("oldest"),
        sql<number | null>`(select max(seq) from events where session_id = sessions.id)`.as("newest"),
      ])
      .where("id", ">", after)
      .orderBy("id")
      .limit(limit)
      .execute();
    return rows.map(({ id, oldest, newest }) => ({
      sessionId: id,
      oldest: oldest ?? 0,
      newest: newest ?? 0,
    }));
  }

  /**
   * Drops a session's oldest events, at most `limit`: those up to a seq and an id that were stored before a time. It stops
   * at the first that is younger, whatever comes after it (a clock may have been set back), so what stays has no hole.
   * @returns how many went
   */
  async dropOldest(
    sessionId: string,
    {
      upTo,
      upToId = Number.MAX_SAFE_INTEGER,
      before,
      limit,
    }: { readonly upTo: number; readonly upToId?: number; readonly before: number; readonly limit: number },
  ): Promise<number> {
    const oldest = await this.#db
      .selectFrom("events")
      .select(["seq", "timestamp"])
      .where("session_id", "=", sessionId)
      .where("seq", "<=", upTo)
      .where("id", "<=", upToId)
      .orderBy("seq")
      .limit(limit)
      .execute();
    const young = oldest.findIndex(({ timestamp }) => timestamp >= before);
    const last = (young < 0 ? oldest : oldest.slice(0, young)).at(-1);
    if (last === undefined) return 0;
    // A response without the beginning of its turn could not be shown. It goes first: a crash leaves nothing half there.
    await this.#db
      .deleteFrom("responses")
      .where("session_id", "=", sessionId)
      .where("accepted_seq", "<=", last.seq)
      .execute();
    const { numDeletedRows } = await this.#db
      .deleteFrom("events")
      .where("session_id", "=", sessionId)
      .where("seq", "<=", last.seq)
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  /** The seq of a turn's `message`; 0 when it is no longer kept. */
  async firstSeqOf(sessionId: string, turnId: string): Promise<number> {
    const row = await this.#db
      .selectFrom("events")
      .select("seq")
      .where("session_id", "=", sessionId)
      .where("turn_id", "=", turnId)
      .where("type", "=", "message")
      .executeTakeFirst();
    return row?.seq ?? 0;
  }

  /** How an approval of the session was answered; null when there is none of that id, or it waits. */
  async findResolution(sessionId: string, requestId: string): Promise<EventData<"input_resolved"> | null> {
    const row = await this.#db
      .selectFrom("events")
      .select("data")
      .where("session_id", "=", sessionId)
      .where("type", "=", "input_resolved")
      .where(sql<boolean>`json_extract(data, '$.request_id') = ${requestId}`)
      .executeTakeFirst();
    return row === undefined ? null : EVENT_DATA.input_resolved.parse(JSON.parse(row.data));
  }

  /** Approvals of a turn that nobody answered: what a crash left. */
  async openInputs(sessionId: string, turnId: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom("events")
      .select(["type", sql<string>`json_extract(data, '$.request_id')`.as("request_id")])
      .where("session_id", "=", sessionId)
      .where("turn_id", "=", turnId)
      .where("type", "in", ["input_required", "input_resolved"])
      .execute();
    const answered = new Set(
      rows.filter(({ type }) => type === "input_resolved").map((row) => row.request_id),
    );
    return rows
      .filter(({ type, request_id }) => type === "input_required" && !answered.has(request_id))
      .map((row) => row.request_id);
  }

  async newestId(): Promise<number> {
    const row = await this.#db
      .selectFrom("events")
      .select(sql<number | null>`max(id)`.as("id"))
      .executeTakeFirst();
    return row?.id ?? 0;
  }
}

async function insertAll(
  db: Kysely<Tables> | Transaction<Tables>,
  rows: readonly NewEventRow[],
): Promise<number> {
  let lastId = 0;
  let start = 0;
  while (start < rows.length) {
    const end = start + rowsOfStatement(rows.length - start);
    const result = await db.executeQuery(insertOf(rows.slice(start, end)));
    lastId = Number(result.insertId ?? 0);
    start = end;
  }
  return lastId;
}

const COLUMNS = [
  "session_id",
  "seq",
  "turn_id",
  "type",
  "timestamp",
  "data",
] as const satisfies readonly (keyof NewEventRow)[];
const INSERT = `insert into events (${COLUMNS.join(", ")}) values `;
const ROW = `(${COLUMNS.map(() => "?").join(", ")})`;

/** Written out, where Kysely would build and print its tree: every token of every stream comes through here. */
function insertOf(rows: readonly NewEventRow[]): CompiledQuery {
  const values = rows.flatMap((row) => COLUMNS.map((column) => row[column]));
  return CompiledQuery.raw(INSERT + rows.map(() => ROW).join(", "), values);
}
