/**
 * The schema's history, oldest first. A migration that has shipped is never edited. Those that a start has to run are one
 * transaction (`sqlite.ts`), so a crash in the middle leaves the store as it was.
 */
import { sql, type Kysely } from "kysely";
import type { Migration } from "kysely/migration";

const first: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("projects")
      .addColumn("name", "text", (column) => column.primaryKey())
      .addColumn("path", "text", (column) => column.notNull())
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("is_default", "integer", (column) => column.notNull().defaultTo(0))
      .execute();

    await db.schema
      .createTable("sessions")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("project", "text", (column) => column.notNull())
      .addColumn("project_version", "text", (column) => column.notNull())
      .addColumn("metadata", "text", (column) => column.notNull())
      .addColumn("current_agent", "text", (column) => column.notNull())
      .addColumn("permission_mode", "text", (column) => column.notNull())
      .addColumn("parent_id", "text")
      .addColumn("thread_id", "text")
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("updated_at", "integer", (column) => column.notNull())
      .addColumn("archived_at", "integer")
      .execute();
    await db.schema.createIndex("sessions_by_age").on("sessions").columns(["created_at", "id"]).execute();
    await db.schema
      .createIndex("sessions_by_project")
      .on("sessions")
      .columns(["project", "created_at", "id"])
      .execute();

    await db.schema
      .createTable("turns")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("session_id", "text", (column) => column.notNull().references("sessions.id"))
      .addColumn("agent", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("started_at", "integer")
      .addColumn("ended_at", "integer")
      .addColumn("input_tokens", "integer", (column) => column.notNull().defaultTo(0))
      .addColumn("output_tokens", "integer", (column) => column.notNull().defaultTo(0))
      .addColumn("cost_usd", "real")
      .execute();
    await db.schema
      .createIndex("turns_by_session")
      .on("turns")
      .columns(["session_id", "created_at"])
      .execute();
    await db.schema
      .createIndex("turns_live")
      .on("turns")
      .column("ended_at")
      .where("ended_at", "is", null)
      .execute();

    await db.schema
      .createTable("events")
      .addColumn("id", "integer", (column) => column.primaryKey())
      .addColumn("session_id", "text", (column) => column.notNull())
      .addColumn("seq", "integer", (column) => column.notNull())
      .addColumn("turn_id", "text")
      .addColumn("type", "text", (column) => column.notNull())
      .addColumn("timestamp", "integer", (column) => column.notNull())
      .addColumn("data", "text", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("events_by_session")
      .unique()
      .on("events")
      .columns(["session_id", "seq"])
      .execute();
  },
};

const idempotency: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const table of ["sessions", "turns"]) {
      await db.schema.alterTable(table).addColumn("idempotency_key", "text").execute();
      await db.schema.alterTable(table).addColumn("idempotency_hash", "text").execute();
    }
    await db.schema
      .createIndex("sessions_by_idempotency")
      .on("sessions")
      .column("idempotency_key")
      .where("idempotency_key", "is not", null)
      .execute();
    await db.schema
      .createIndex("turns_by_idempotency")
      .on("turns")
      .columns(["session_id", "idempotency_key"])
      .where("idempotency_key", "is not", null)
      .execute();
  },
};

const participants: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("participants")
      .addColumn("session_id", "text", (column) => column.notNull().references("sessions.id"))
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("type", "text", (column) => column.notNull())
      .addColumn("display_name", "text")
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("participants_key", ["session_id", "name"])
      .execute();
  },
};

/** Conversations told anew with each message; and, for their clients, a turn found by its key alone. */
const conversations: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("conversations")
      .addColumn("session_id", "text", (column) => column.primaryKey().references("sessions.id"))
      .addColumn("project", "text", (column) => column.notNull())
      .addColumn("digest", "text")
      .addColumn("instructions", "text")
      .addColumn("turns", "integer", (column) => column.notNull())
      .addColumn("updated_at", "integer", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("conversations_by_digest")
      .on("conversations")
      .columns(["project", "digest"])
      .where("digest", "is not", null)
      .execute();
    await db.schema.createIndex("conversations_by_age").on("conversations").column("updated_at").execute();
    await db.schema
      .createIndex("turns_by_key")
      .on("turns")
      .column("idempotency_key")
      .where("idempotency_key", "is not", null)
      .execute();
  },
};

/** Name → as it was made, and as SQLite keeps it: a store with any other trigger is not one of Karta's. */
export const TRIGGERS: Readonly<Record<string, string>> = {
  // A session that is deleted frees its responses in the same write, whoever deletes it.
  responses_end_with_session:
    "CREATE TRIGGER responses_end_with_session AFTER UPDATE OF archived_at ON sessions " +
    "WHEN NEW.archived_at IS NOT NULL BEGIN DELETE FROM responses WHERE session_id = NEW.id; END",
};

const responses: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("responses")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("session_id", "text", (column) => column.notNull().references("sessions.id"))
      .addColumn("turn_id", "text", (column) => column.notNull())
      .addColumn("accepted_seq", "integer", (column) => column.notNull())
      .addColumn("parent_id", "text")
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("settings", "text", (column) => column.notNull())
      .addColumn("input", "text", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("responses_by_session")
      .on("responses")
      .columns(["session_id", "accepted_seq"])
      .execute();
    for (const trigger of Object.values(TRIGGERS)) await sql.raw(trigger).execute(db);
  },
};

/** Only a text names a user: a token's subject is one, and 42 is not "42". */
const END_USER = sql`case json_type(metadata, '$.end_user') when 'text' then json_extract(metadata, '$.end_user') end`;

const keys: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("keys")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("prefix", "text", (column) => column.notNull())
      .addColumn("hash", "text", (column) => column.notNull())
      .addColumn("scope", "text")
      .addColumn("project", "text")
      .addColumn("origins", "text", (column) => column.notNull())
      .addColumn("verifies_identity", "integer", (column) => column.notNull())
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("expires_at", "integer")
      .addColumn("revoked_at", "integer")
      .addColumn("last_used_at", "integer")
      .execute();
    await db.schema.createIndex("keys_by_prefix").unique().on("keys").column("prefix").execute();
    await db.schema
      .createIndex("keys_by_name")
      .unique()
      .on("keys")
      .column("name")
      .where(sql.ref("revoked_at"), "is", null)
      .execute();
    await db.schema
      .alterTable("sessions")
      .addColumn("end_user", "text", (column) => column.generatedAlwaysAs(END_USER))
      .execute();
    await db.schema
      .createIndex("sessions_by_end_user")
      .on("sessions")
      .columns(["project", "end_user", "created_at", "id"])
      .where("end_user", "is not", null)
      .execute();
  },
};

/** Thousands may stand at one digest (those that began with "hello"): the newest of them are read, and not one more. */
const conversationsByAge: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropIndex("conversations_by_digest").execute();
    await db.schema
      .createIndex("conversations_by_digest")
      .on("conversations")
      .columns(["project", "digest", "updated_at"])
      .where("digest", "is not", null)
      .execute();
  },
};

/** Name → migration; names sort in the order they run. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_sessions_and_events": first,
  "0002_idempotency": idempotency,
  "0003_participants": participants,
  "0004_conversations": conversations,
  "0005_responses": responses,
  "0006_keys": keys,
  "0007_conversations_by_age": conversationsByAge,
};
