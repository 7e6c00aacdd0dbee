/**
 * What a session remembers and may be changed: its agent, its permission mode, its metadata. Changes of one session are
 * made one after the other, so that each builds on the one before, and the log's hand-offs follow each other.
 */
import { issuesFromZod, KartaError } from "../../shared/errors.ts";
import { MetadataSchema, type Metadata } from "../../shared/protocol/metadata.ts";
import type { PatchSession } from "../../shared/protocol/sessions.ts";
import type { SessionRow } from "../store/schema.ts";
import { tellApp } from "./app.ts";
import { handedOff } from "./app-events.ts";
import type { LiveSession } from "./live-session.ts";
import type { SessionRuntime } from "./runtime.ts";
import { requireAgent } from "./scope.ts";

/** What may be changed; `updated_at` comes with it. */
type Settings = Partial<Pick<SessionRow, "current_agent" | "permission_mode" | "metadata">>;

/**
 * A turn for another agent than the session's: the event and the row are stored together.
 * Nothing happens when the agent is the session's already.
 */
export function handOff(
  runtime: SessionRuntime,
  session: LiveSession,
  { to, turnId }: { readonly to: string; readonly turnId: string },
): Promise<void> {
  return session.inOrder.run(session.record.id, () => store(runtime, session, { current_agent: to }, turnId));
}

/**
 * Applies a PATCH, all of it or nothing. The agent counts from the next turn on, the permission mode from the next tool
 * that is asked for.
 * @throws KartaError `unknown_agent`, `invalid_request` when the merged metadata is past its limits
 */
export function patchSettings(
  runtime: SessionRuntime,
  session: LiveSession,
  patch: PatchSession,
): Promise<void> {
  return session.inOrder.run(session.record.id, async () => {
    const { metadata, current_agent, permission_mode } = patch;
    if (current_agent !== undefined) requireAgent(session.project, current_agent, "current_agent");
    await store(
      runtime,
      session,
      {
        ...(metadata === undefined ? {} : { metadata: merged(session.record.metadata, metadata) }),
        ...(current_agent === undefined ? {} : { current_agent }),
        ...(permission_mode === undefined ? {} : { permission_mode }),
      },
      null,
    );
  });
}

/** Stores what differs from what is there, and then lets the session's turns see it. */
async function store(
  runtime: SessionRuntime,
  { record, project }: LiveSession,
  { metadata, current_agent, permission_mode }: Settings,
  turnId: string | null,
): Promise<void> {
  const from = record.current_agent;
  const change: Settings = {
    ...(metadata === undefined || metadata === record.metadata ? {} : { metadata }),
    ...(current_agent === undefined || current_agent === from ? {} : { current_agent }),
    ...(permission_mode === undefined || permission_mode === record.permission_mode
      ? {}
      : { permission_mode }),
  };
  if (Object.keys(change).length === 0) return;
  const row = { ...change, updated_at: runtime.now() };
  if (change.current_agent === undefined) {
    await runtime.sessions.update(record.id, row);
  } else {
    await runtime.log.append({
      sessionId: record.id,
      turnId,
      drafts: [{ type: "agent_handoff", data: { from, to: change.current_agent } }],
      changes: [{ kind: "session", id: record.id, change: row }],
    });
  }
  Object.assign(record, row);
  const to = change.current_agent;
  if (to !== undefined) tellApp(project, () => handedOff(record, { from, to, turnId }));
}

/** @throws KartaError `invalid_request` */
function merged(stored: string, patch: Metadata): string {
  const metadata = new Map(Object.entries(MetadataSchema.parse(JSON.parse(stored))));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) metadata.delete(key);
    else metadata.set(key, value);
  }
  const checked = MetadataSchema.safeParse(Object.fromEntries(metadata));
  if (checked.success) return JSON.stringify(checked.data);
  const issues = issuesFromZod(checked.error).map(({ message }) => ({ path: "metadata", message }));
  throw new KartaError("invalid_request", `metadata, when merged: ${issues[0]?.message ?? "is not valid"}`, {
    issues,
  });
}
