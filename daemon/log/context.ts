/**
 * Whose work a log line belongs to, without handing it from call to call: a request's id, a turn's ids. Every line that is
 * logged in the course of that work carries them (log.ts). What outlives it, or serves several at once (an agent's process,
 * the event log's flush), is begun outside.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** The names are those of a log line (shared/protocol/logs.ts). */
export interface LogContext {
  readonly request_id?: string;
  readonly project?: string;
  readonly session_id?: string;
  readonly turn_id?: string;
}

interface Holder {
  context: LogContext;
}

const storage = new AsyncLocalStorage<Holder>();
const NOBODY: LogContext = {};

/** Of the work that is going on. */
export function logContext(): LogContext {
  return storage.getStore()?.context ?? NOBODY;
}

/** The same, where it is the session's; else nobody's. */
export function contextOfSession(sessionId: string | null): LogContext {
  const context = logContext();
  return sessionId !== null && context.session_id === sessionId ? context : NOBODY;
}

/** Does the work as that of `context`, and of nothing else. */
export function withLogContext<T>(context: LogContext, work: () => T): T {
  return storage.run({ context }, work);
}

/** Does what is nobody's, or what goes on after whoever asked for it is gone. Of where it is done the project stays. */
export function outsideLogContext<T>(work: () => T): T {
  const { project } = logContext();
  return storage.run({ context: project === undefined ? NOBODY : { project } }, work);
}

/** A function that does what it does as the work that is going on now, whenever it is called. */
export function boundToLogContext(work: () => void): () => void {
  return AsyncLocalStorage.bind(work);
}

/** More is known of the work that is going on: it counts from now on, for its end too. */
export function noteLogContext(more: LogContext): void {
  const holder = storage.getStore();
  if (holder !== undefined) holder.context = { ...holder.context, ...more };
}
