/** Which lines somebody wants to see. */
import type { LogLine, LogsQuery } from "../../shared/protocol/logs.ts";

const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

/** All of the query but how many lines. */
export type LogFilter = Omit<LogsQuery, "lines">;

export function matches(line: LogLine, filter: LogFilter): boolean {
  const { level, project, session, turn, request, since } = filter;
  if (level !== undefined && line.level < LEVELS[level]) return false;
  if (project !== undefined && line.project !== project) return false;
  if (session !== undefined && !begins(line.session_id, session, "sess_")) return false;
  if (turn !== undefined && !begins(line.turn_id, turn, "turn_")) return false;
  if (request !== undefined && !begins(line.request_id, request, "req_")) return false;
  return since === undefined || line.time >= since;
}

/** Ids may be shortened, and typed without their prefix. */
function begins(id: string | null | undefined, start: string, prefix: string): boolean {
  return typeof id === "string" && (id.startsWith(start) || id.startsWith(prefix + start));
}
