/** An app's worker as the operator's plane shows it. */
import type { AppCalls, AppWorkerStatus } from "../../shared/protocol/apps.ts";
import type { CallKind } from "./app-call.ts";
import type { AppTally } from "./app-tally.ts";
import type { AppWorker } from "./app-worker.ts";

export function appStatus(worker: AppWorker, tally: AppTally): AppWorkerStatus {
  const { state, process, retryAt, now } = worker;
  const calls = (kind: CallKind): AppCalls => ({ ...worker.occupancy(kind), ...tally.calls[kind] });
  return {
    state,
    pid: process?.pid ?? null,
    age_seconds: process === null ? null : (now - process.startedAt) / 1000,
    rss_bytes: process?.residentBytes ?? null,
    policies: calls("admit"),
    hooks: calls("event"),
    tools: calls("tool"),
    overdue: process?.overdue ?? 0,
    restarts: tally.restarts,
    retry_in_seconds: retryAt === null ? null : Math.max(0, retryAt - now) / 1000,
    last_error:
      tally.lastError === null
        ? null
        : { at: new Date(tally.lastError.at).toISOString(), detail: tally.lastError.detail },
  };
}
