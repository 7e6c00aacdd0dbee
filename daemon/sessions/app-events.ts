/** What a project's own code is told of its sessions, and what it is asked. The wire's names: it goes out as JSON. */
import type { Participant, Usage } from "../../shared/events.ts";
import { MetadataSchema, type Metadata, type Session } from "../../shared/protocol/sessions.ts";
import type { SessionRecord } from "../store/sessions.ts";
import type { Turn, TurnOutcome } from "./turn.ts";

/** A session, as it was when it was told of. */
export interface AppSession {
  readonly id: string;
  readonly project: string;
  readonly agent: string;
  readonly metadata: Metadata;
  readonly created_at: string;
  readonly parent_id: string | null;
}

/** A message before its turn: nothing of it is stored. */
export interface InboundMessage {
  readonly text: string;
  readonly participant: Participant | null;
  readonly agent: string;
  readonly session: AppSession;
  /** Messages that the session has accepted before. */
  readonly message_count: number;
}

export type AppEvent =
  | { readonly type: "session.created"; readonly session: AppSession }
  | {
      readonly type: "message.received";
      readonly session: AppSession;
      readonly turn_id: string;
      readonly agent: string;
      readonly message: AppMessage;
    }
  | {
      readonly type: "message.completed";
      readonly session: AppSession;
      readonly turn_id: string;
      readonly agent: string;
      readonly status: TurnOutcome["kind"];
      readonly message: AppMessage;
      readonly usage: Usage;
      readonly error: { readonly code: string; readonly message: string } | null;
    }
  | {
      readonly type: "agent.handoff";
      readonly session: AppSession;
      readonly from: string;
      readonly to: string;
      /** Null: between two turns. */
      readonly turn_id: string | null;
    };

interface AppMessage {
  readonly id: string;
  readonly text: string;
  readonly participant: Participant | null;
}

export function appSession(record: SessionRecord): AppSession {
  return {
    id: record.id,
    project: record.project,
    agent: record.current_agent,
    metadata: MetadataSchema.parse(JSON.parse(record.metadata)),
    created_at: new Date(record.created_at).toISOString(),
    parent_id: record.parent_id,
  };
}

export function sessionCreated(session: Session): AppEvent {
  const { id, current_agent: agent, metadata, created_at, parent_id } = session;
  return {
    type: "session.created",
    session: { id, project: session.project.ref, agent, metadata, created_at, parent_id },
  };
}

/** @param change.turnId null: between two turns */
export function handedOff(
  record: SessionRecord,
  { from, to, turnId }: { readonly from: string; readonly to: string; readonly turnId: string | null },
): AppEvent {
  return { type: "agent.handoff", session: appSession(record), from, to, turn_id: turnId };
}

export function messageReceived(record: SessionRecord, turn: Turn): AppEvent {
  const { id, text, participant } = turn.userMessage;
  return {
    type: "message.received",
    session: appSession(record),
    turn_id: turn.id,
    agent: turn.agent,
    message: { id, text, participant },
  };
}

export function messageCompleted(record: SessionRecord, turn: Turn, outcome: TurnOutcome): AppEvent {
  return {
    type: "message.completed",
    session: appSession(record),
    turn_id: turn.id,
    agent: turn.agent,
    status: outcome.kind,
    message: { id: outcome.message.id, text: outcome.message.text, participant: null },
    usage: outcome.usage,
    error: outcome.kind === "failed" ? { code: outcome.code, message: outcome.detail } : null,
  };
}
