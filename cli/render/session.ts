/** Sessions for people. */
import type { Session } from "../../shared/protocol/sessions.ts";
import { oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";
import { details, type Column } from "./table.ts";
import { ago, count } from "./units.ts";

const PREFIX = "sess_".length;
const SHORTEST = 8;

/** How much of the ids must be shown to tell these sessions apart, at least 8 characters after `sess_`. */
export function shortIdLength(ids: readonly string[]): number {
  let length = PREFIX + SHORTEST;
  while (new Set(ids.map((id) => id.slice(0, length))).size < new Set(ids).size) length += 1;
  return length;
}

export function sessionColumns(sessions: readonly Session[], now: number): readonly Column<Session>[] {
  const length = shortIdLength(sessions.map(({ id }) => id));
  return [
    { header: "ID", cell: ({ id }) => id.slice(0, length) },
    { header: "PROJECT", cell: ({ project }) => project.ref },
    { header: "AGENT", cell: ({ current_agent }) => current_agent, shrink: true },
    { header: "STATE", cell: stateText, style: stateStyle },
    { header: "TOKENS", cell: ({ usage }) => String(usage.total_tokens), align: "right" },
    { header: "CREATED", cell: ({ created_at }) => ago(created_at, now) },
    { header: "UPDATED", cell: ({ updated_at }) => ago(updated_at, now) },
  ];
}

/** Every field that says something, one a line. */
export function sessionText(session: Session, paint: Paint, now: number): string {
  const { usage, turn, pending_input: pending, metadata, participants } = session;
  const cost = usage.cost_usd === undefined ? "" : `, $${usage.cost_usd.toFixed(4)}`;
  return details(
    [
      ["id", oneLine(session.id)],
      ["project", `${oneLine(session.project.ref)} (${oneLine(session.project.version)})`],
      ["agent", oneLine(session.current_agent)],
      ["state", paint(stateStyle(session) ?? "reset", stateText(session))],
      ...row("turn", turn === null ? null : `${turn.id} ${turn.state}`),
      ...row(
        "waits for",
        pending === null ? null : `${pending.request_id} ${pending.tool}: ${pending.message}`,
      ),
      ["permissions", session.permission_mode],
      ["created", ago(session.created_at, now)],
      ["updated", ago(session.updated_at, now)],
      ["events", String(session.last_seq)],
      [
        "usage",
        `${count(usage.total_tokens, "token")} (${usage.input_tokens} in, ${usage.output_tokens} out)${cost}`,
      ],
      ...row("parent", session.parent_id),
      ...row("with", participants.length === 0 ? null : participants.map(({ name }) => name).join(", ")),
      ...row("metadata", Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata)),
    ],
    paint,
  );
}

function row(name: string, value: string | null): [string, string][] {
  return value === null ? [] : [[name, oneLine(value)]];
}

/** `running`, `awaiting_input`, `queued` while a turn is on; else `active` or `archived`. */
function stateText({ status, turn }: Session): string {
  return turn?.state ?? status;
}

function stateStyle({ status, turn }: Session): Style | null {
  if (turn?.state === "awaiting_input") return "yellow";
  if (turn !== null) return "green";
  return status === "archived" ? "dim" : null;
}
