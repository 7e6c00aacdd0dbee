/** Session handles. What can be derived (last seq, usage, the live turn) is read from the other tables, never copied. */
import { sql, type Kysely, type SelectQueryBuilder } from "kysely";
import type { SessionRow, Tables } from "./schema.ts";

/** A session with what its other tables say of it. */
export interface SessionRecord extends SessionRow {
  /** The user whose session it is; null: nobody's in particular. */
  end_user: string | null;
  last_seq: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  /** A JSON array of the participants, in the order they came. */
  participants: string;
}

export interface SessionFilter {
  readonly project: string | null;
  /** Only this user's; null: everybody's. */
  readonly endUser: string | null;
  readonly status: "active" | "archived" | null;
  /** Metadata keys that must have exactly this text; numbers compare as numbers, booleans and null by their JSON text. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A place in the list: sessions after it are older. */
export interface SessionCursor {
  readonly createdAt: number;
  readonly id: string;
}

function withDerived(db: Kysely<Tables>) {
  return db
    .selectFrom("sessions")
    .selectAll("sessions")
    .select((eb) => [
      eb
        .selectFrom("events")
        .whereRef("events.session_id", "=", "sessions.id")
        .select(sql<number>`coalesce(max(events.seq), 0)`.as("seq"))
        .as("last_seq"),
      sumOf("input_tokens").as("input_tokens"),
      sumOf("output_tokens").as("output_tokens"),
      sql<string>`(select json_group_array(json_object('name', name, 'type', type, 'display_name', display_name))
        from (select * from participants where session_id = sessions.id order by rowid))`.as("participants"),
      sql<number | null>`(select sum(cost_usd) from turns where turns.session_id = sessions.id)`.as(
        "cost_usd",
      ),
    ]);
}

function sumOf(column: "input_tokens" | "output_tokens") {
  return sql<number>`(select coalesce(sum(${sql.ref(column)}), 0) from turns where turns.session_id = sessions.id)`;
}

// A sub-select is nullable to the type system; `coalesce` makes it a number.
const complete = (row: Omit<SessionRecord, "last_seq"> & { last_seq: number | null }): SessionRecord => ({
  ...row,
  last_seq: row.last_seq ?? 0,
});

export class SessionRepository {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async insert(row: SessionRow): Promise<void> {
    await this.#db.insertInto("sessions").values(row).execute();
  }

  async get(id: string): Promise<SessionRecord | null> {
    const row = await withDerived(this.#db).where("sessions.id", "=", id).executeTakeFirst();
    return row === undefined ? null : complete(row);
  }

  /** Newest first; one more row than `limit` is never returned. */
  async list(filter: SessionFilter, limit: number, after: SessionCursor | null): Promise<SessionRecord[]> {
    let query = withDerived(this.#db)
      .orderBy("sessions.created_at", "desc")
      .orderBy("sessions.id", "desc")
      .limit(limit);
    query = filtered(query, filter);
    if (after !== null) {
      query = query.where((eb) =>
        eb(eb.refTuple("sessions.created_at", "sessions.id"), "<", eb.tuple(after.createdAt, after.id)),
      );
    }
    return (await query.execute()).map(complete);
  }

  /** The newest session of this project, or of any, and of this user, or of any, that was made with this key since a time. */
  async findByKey(
    key: string,
    since: number,
    { project, endUser }: Pick<SessionFilter, "project" | "endUser">,
  ): Promise<SessionRow | null> {
    let query = this.#db
      .selectFrom("sessions")
      .selectAll()
      .where("idempotency_key", "=", key)
      .where("created_at", ">", since);
    if (project !== null) query = query.where("project", "=", project);
    if (endUser !== null) query = query.where("end_user", "=", endUser);
    const row = await query.orderBy("created_at", "desc").executeTakeFirst();
    return row ?? null;
  }

  /** How many sessions each project has that are not archived. */
  async countActive(): Promise<Map<string, number>> {
    const rows = await this.#db
      .selectFrom("sessions")
      .select(["project", (eb) => eb.fn.countAll<number>().as("count")])
      .where("archived_at", "is", null)
      .groupBy("project")
      .execute();
    return new Map(rows.map((row) => [row.project, row.count]));
  }

  async update(id: string, change: Partial<Omit<SessionRow, "id">>): Promise<void> {
    await this.#db.updateTable("sessions").set(change).where("id", "=", id).execute();
  }
}

type SessionQuery<O> = SelectQueryBuilder<Tables, "sessions", O>;

function filtered<O>(query: SessionQuery<O>, filter: SessionFilter): SessionQuery<O> {
  let narrowed = query;
  if (filter.project !== null) narrowed = narrowed.where("sessions.project", "=", filter.project);
  if (filter.endUser !== null) narrowed = narrowed.where("sessions.end_user", "=", filter.endUser);
  if (filter.status !== null) {
    narrowed = narrowed.where("sessions.archived_at", filter.status === "active" ? "is" : "is not", null);
  }
  for (const [key, value] of Object.entries(filter.metadata)) {
    // json_each compares keys as they are, so a key with dots or quotes needs no JSON path.
    // SQLite writes a number in another way than JSON (1e21 as 1.0e+21), so numbers are not compared as text.
    narrowed = narrowed.where(
      sql<boolean>`exists (select 1 from json_each(sessions.metadata) as entry where entry.key = ${key}
        and case entry.type when 'text' then entry.value = ${value}
          when 'integer' then entry.value = ${numberIn(value)} when 'real' then entry.value = ${numberIn(value)}
          else entry.type = ${value} end)`,
    );
  }
  return narrowed;
}

/** The number that a text writes as JSON does; null, which equals nothing, for any other text. */
function numberIn(text: string): number | null {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}
