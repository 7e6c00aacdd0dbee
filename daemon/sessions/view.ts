/** Session rows → the session as the API shows it. */
import type { Session } from "../../shared/protocol/sessions.ts";
import { MetadataSchema } from "../../shared/protocol/sessions.ts";
import type { SessionRecord } from "../store/sessions.ts";
import { parseParticipants } from "./participants.ts";
import type { Turn } from "./turn.ts";

/**
 * @param turn the session's first live turn, if any
 */
export function sessionView(record: SessionRecord, turn: Turn | null): Session {
  return {
    id: record.id,
    session_id: record.id,
    project: { ref: record.project, version: record.project_version },
    metadata: MetadataSchema.parse(JSON.parse(record.metadata)),
    current_agent: record.current_agent,
    status: record.archived_at === null ? "active" : "archived",
    turn: turn === null ? null : turnView(turn),
    created_at: new Date(record.created_at).toISOString(),
    updated_at: new Date(record.updated_at).toISOString(),
    parent_id: record.parent_id,
    pending_input: turn?.approvals.pending ?? null,
    permission_mode: record.permission_mode,
    participants: parseParticipants(record.participants),
    last_seq: record.last_seq,
    usage: {
      input_tokens: record.input_tokens,
      output_tokens: record.output_tokens,
      total_tokens: record.input_tokens + record.output_tokens,
      ...(record.cost_usd === null ? {} : { cost_usd: record.cost_usd }),
    },
  };
}

function turnView(turn: Turn): Session["turn"] {
  switch (turn.state) {
    case "queued":
    case "running":
    case "awaiting_input":
      return {
        id: turn.id,
        state: turn.state,
        started_at: turn.startedAt === null ? null : new Date(turn.startedAt).toISOString(),
      };
    case "completed":
    case "failed":
    case "cancelled":
      return null;
  }
}
