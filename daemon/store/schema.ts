/** The tables, as Kysely sees them. Times are milliseconds since the epoch; JSON columns hold text. */
import type { Generated } from "kysely";
import type { EventType, Participant } from "../../shared/events.ts";
import type { PermissionMode } from "../../shared/protocol/sessions.ts";

export interface ProjectRow {
  name: string;
  path: string;
  created_at: number;
  /** 1 for the one default project. */
  is_default: number;
}

export interface SessionRow {
  id: string;
  project: string;
  project_version: string;
  metadata: string;
  current_agent: string;
  permission_mode: PermissionMode;
  parent_id: string | null;
  /** The harness's own id of the conversation; null until a process was bound. */
  thread_id: string | null;
  created_at: number;
  updated_at: number;
  /** Null while active. */
  archived_at: number | null;
  /** The key it was made with, and a digest of the body; null without one. */
  idempotency_key?: string | null | undefined;
  idempotency_hash?: string | null | undefined;
}

/** `queued`, `running` and `awaiting_input` are live; the rest are ends. */
export type TurnRowState = "queued" | "running" | "awaiting_input" | "completed" | "failed" | "cancelled";

export interface TurnRow {
  id: string;
  session_id: string;
  agent: string;
  state: TurnRowState;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  idempotency_key?: string | null | undefined;
  idempotency_hash?: string | null | undefined;
}

export interface ParticipantRow {
  session_id: string;
  name: string;
  type: Participant["type"];
  display_name: string | null;
  created_at: number;
}

/** What a session's thread has heard of a conversation that its client tells anew with each message. */
export interface ConversationRow {
  session_id: string;
  project: string;
  /** Of all that was said, if the thread stands just there; null: it has gone on, or is going on now. */
  digest: string | null;
  /** A digest of the instructions that its agent was told last; null: of none. */
  instructions: string | null;
  /** How many messages the session had accepted then: one that came another way has moved the thread on. */
  turns: number;
  updated_at: number;
}

export interface EventRow {
  /** The order over all sessions. */
  id: Generated<number>;
  session_id: string;
  seq: number;
  turn_id: string | null;
  type: EventType;
  timestamp: number;
  /** The event's `data`, as JSON text. */
  data: string;
}

/** What a stored response of OpenAI's Responses API repeats of its request; what it says is its turn's events. */
export interface ResponseRow {
  id: string;
  session_id: string;
  turn_id: string;
  /** The seq of the turn's `message` event. */
  accepted_seq: number;
  /** The response that it goes on from; null for a first one. */
  parent_id: string | null;
  created_at: number;
  /** JSON objects of the adapter's. */
  settings: string;
  input: string;
}

export interface Tables {
  projects: ProjectRow;
  sessions: SessionRow;
  turns: TurnRow;
  participants: ParticipantRow;
  conversations: ConversationRow;
  events: EventRow;
  responses: ResponseRow;
}
