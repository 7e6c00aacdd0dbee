/** Sessions, for both planes: create, find, list, send, cancel, delete. A session is a handle; its history is the harness's. */
import { KartaError } from "../../shared/errors.ts";
import { isId, newId } from "../../shared/ids.ts";
import type { CreateSession, SendMessage, Session, SessionPage } from "../../shared/protocol/sessions.ts";
import type { SessionFilter, SessionRecord } from "../store/sessions.ts";
import type { SessionRow } from "../store/schema.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { LiveSession } from "./live-session.ts";
import { DEFAULT_AGENT, type SessionProject, type SessionRuntime } from "./runtime.ts";
import type { Turn } from "./turn.ts";
import { sessionView } from "./view.ts";

/** Which sessions a caller may reach: all of the daemon's, or one project's. */
export type Scope = { readonly kind: "all" } | { readonly kind: "project"; readonly name: string };

/** A session in memory. Opening is shared, so that it is never there twice. */
interface Held {
  readonly opening: Promise<LiveSession>;
  /** Null while it opens. */
  session: LiveSession | null;
  /** Calls that need it; it is dropped when they and its turns are done. */
  holds: number;
}

/** Owner: the composition root. */
export class SessionService {
  readonly #runtime: SessionRuntime;
  /** Sessions with turns, or being sent to. */
  readonly #held = new Map<string, Held>();
  #draining = false;

  constructor(runtime: SessionRuntime) {
    this.#runtime = runtime;
  }

  /** Turns that have not ended, over all sessions. */
  get liveTurns(): readonly Turn[] {
    return this.#sessions.flatMap((session) => session.turns);
  }

  /**
   * @throws KartaError `not_found` for an unknown `session_id` or project; `no_project`, `project_required`,
   *   `unknown_agent`, `invalid_request`
   */
  async create(scope: Scope, body: CreateSession): Promise<Session> {
    if (body.session_id !== undefined) return this.get(scope, body.session_id);
    const project = this.#projectFor(scope, body.project);
    if (body.agent !== undefined) requireAgent(project, body.agent);
    if (body.parent_id !== undefined) await this.#requireParent(scope, body.parent_id);
    const now = this.#runtime.now();
    const row: SessionRow = {
      id: newId("sess"),
      project: project.name,
      project_version: project.version,
      metadata: JSON.stringify(body.metadata ?? {}),
      current_agent: body.agent ?? DEFAULT_AGENT,
      permission_mode: body.permission_mode ?? project.permissionMode,
      parent_id: body.parent_id ?? null,
      thread_id: null,
      created_at: now,
      updated_at: now,
      archived_at: null,
    };
    await this.#runtime.sessions.insert(row);
    return sessionView(
      { ...row, last_seq: 0, input_tokens: 0, output_tokens: 0, cost_usd: null },
      null,
      null,
    );
  }

  /** @throws KartaError `not_found` */
  async get(scope: Scope, id: string): Promise<Session> {
    const record = await this.#record(scope, id);
    const turn = this.#held.get(id)?.session?.turn ?? null;
    return sessionView(record, turn, null);
  }

  /** Newest first. @throws KartaError `bad_request` for a cursor that is not one of ours */
  async list(
    scope: Scope,
    filter: Omit<SessionFilter, "project"> & { readonly project: string | null },
    page: { readonly limit: number; readonly cursor: string | null },
  ): Promise<SessionPage> {
    const after = page.cursor === null ? null : decodeCursor(page.cursor);
    const project = scope.kind === "project" ? scope.name : filter.project;
    const rows = await this.#runtime.sessions.list({ ...filter, project }, page.limit + 1, after);
    const shown = rows.slice(0, page.limit);
    const last = shown.at(-1);
    return {
      data: shown.map((row) => sessionView(row, this.#held.get(row.id)?.session?.turn ?? null, null)),
      next_cursor:
        rows.length > page.limit && last ? encodeCursor({ createdAt: last.created_at, id: last.id }) : null,
    };
  }

  /**
   * Accepts a message. It is stored when this resolves, and runs when its place in the session's queue comes.
   * @throws KartaError `not_found`, `unknown_agent`, `queue_full`, `harness_unavailable`, `shutting_down`,
   *   `storage_unavailable`; then nothing was accepted
   */
  async send(scope: Scope, id: string, body: SendMessage): Promise<{ turn: Turn; session: Session }> {
    if (this.#draining) throw shuttingDown();
    await this.#record(scope, id); // the scope is checked on what is stored, before anything else is looked at
    return this.#withLive(id, async (session) => {
      if (this.#draining) throw shuttingDown(); // it may have begun while the session was opened
      if (session.record.archived_at !== null) throw notFound();
      if (body.agent !== undefined) requireAgent(session.project, body.agent);
      session.project.requireReady();
      const turn = await session.enqueue({
        text: body.text,
        agent: body.agent ?? session.record.current_agent,
        participant:
          body.participant_name === undefined
            ? null
            : { name: body.participant_name, type: body.participant_type ?? "human", display_name: null },
        thinking: body.thinking ?? false,
      });
      return { turn, session: sessionView(session.record, session.turn, null) };
    });
  }

  /** @returns the id of the turn that was asked to end. @throws KartaError `not_found`, `no_turn_running` */
  async cancel(scope: Scope, id: string): Promise<string> {
    await this.#record(scope, id);
    const session = this.#held.get(id)?.session;
    const turn = session?.turn ?? null;
    if (!session || turn === null)
      throw new KartaError("no_turn_running", "no turn runs or waits in this session");
    await session.cancel(turn);
    return turn.id;
  }

  /** Cancels the session's turns, ends its process and archives the handle. @throws KartaError `not_found` */
  async delete(scope: Scope, id: string): Promise<void> {
    const record = await this.#record(scope, id);
    if (record.archived_at === null) {
      const now = this.#runtime.now();
      await this.#runtime.sessions.update(id, { archived_at: now, updated_at: now });
      // One that is being opened has read the row before it was archived, maybe.
      const session = await this.#held.get(id)?.opening.catch(() => null);
      if (session) {
        session.record.archived_at = now;
        await this.#endTurns(session);
      }
    }
    await this.#runtime.pool.evict(id);
    await this.#runtime.projects.discardWorkspace(record.project, id);
  }

  /** Ends every turn of a project's sessions. Called before the project is removed. */
  async endProject(name: string): Promise<void> {
    const sessions = this.#sessions.filter((session) => session.project.name === name);
    await Promise.all(sessions.map((session) => this.#endTurns(session)));
    await this.#runtime.pool.evictProject(name);
  }

  /** @throws KartaError `not_found` when the session is not there or not in the scope */
  async requireSession(scope: Scope, id: string): Promise<SessionRecord> {
    return this.#record(scope, id);
  }

  /**
   * Takes no more turns, lets the running ones finish for up to `graceMs`, then cancels them. Waiting turns end with
   * `shutting_down`. Resolves when no turn is left.
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const sessions = this.#sessions;
    await Promise.all(sessions.map((session) => session.refuseWaiting(shuttingDown())));
    const running = this.liveTurns.map((turn) => turn.outcome);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
    await Promise.race([Promise.all(running), deadline]);
    clearTimeout(timer);
    await Promise.all(sessions.map((session) => this.#endTurns(session)));
    await this.#runtime.log.settled();
  }

  async #endTurns(session: LiveSession): Promise<void> {
    const turns = [...session.turns];
    await Promise.all(turns.map((turn) => session.cancel(turn)));
    await Promise.all(turns.map((turn) => turn.outcome));
  }

  #projectFor(scope: Scope, named: string | undefined): SessionProject {
    const name = scope.kind === "project" ? scope.name : named;
    if (scope.kind === "project" && named !== undefined && named !== scope.name) {
      throw new KartaError("invalid_request", "a field is not valid", {
        issues: [
          { path: "project", message: `expected ${scope.name}, the project of this route, or nothing` },
        ],
      });
    }
    if (name === undefined) return this.#runtime.projects.findDefault();
    const project = this.#runtime.projects.find(name);
    if (!project)
      throw new KartaError("not_found", `no project is registered as "${name}"; see \`karta project list\``);
    return project;
  }

  async #requireParent(scope: Scope, parentId: string): Promise<void> {
    const parent = isId("sess", parentId) ? await this.#runtime.sessions.get(parentId) : null;
    if (parent !== null && inScope(scope, parent)) return;
    throw new KartaError("invalid_request", "a field is not valid", {
      issues: [{ path: "parent_id", message: "expected the id of a session that exists" }],
    });
  }

  async #record(scope: Scope, id: string): Promise<SessionRecord> {
    const record = isId("sess", id) ? await this.#runtime.sessions.get(id) : null;
    if (record === null || !inScope(scope, record)) throw notFound();
    return record;
  }

  get #sessions(): LiveSession[] {
    return [...this.#held.values()].flatMap((held) => held.session ?? []);
  }

  async #withLive<T>(id: string, use: (session: LiveSession) => Promise<T>): Promise<T> {
    let held = this.#held.get(id);
    if (!held) {
      held = { opening: this.#open(id), session: null, holds: 0 };
      this.#held.set(id, held);
    }
    held.holds += 1; // before anything is awaited, so that nobody drops it in between
    try {
      held.session = await held.opening;
      return await use(held.session);
    } finally {
      held.holds -= 1;
      this.#dropIfIdle(id);
    }
  }

  async #open(id: string): Promise<LiveSession> {
    const record = await this.#runtime.sessions.get(id);
    const project = record === null ? null : this.#runtime.projects.find(record.project);
    if (record === null || project === null) throw notFound();
    return new LiveSession({ record, project, runtime: this.#runtime, onIdle: () => this.#dropIfIdle(id) });
  }

  #dropIfIdle(id: string): void {
    const held = this.#held.get(id);
    if (!held || held.holds > 0 || held.session?.isIdle === false) return;
    this.#held.delete(id);
    if (held.session !== null) this.#runtime.log.close(id);
  }
}

function inScope(scope: Scope, record: SessionRecord): boolean {
  return scope.kind === "all" || record.project === scope.name;
}

function notFound(): KartaError {
  return new KartaError("not_found", "no such session");
}

function shuttingDown(): KartaError {
  return new KartaError("shutting_down", "kartad is stopping; send again when it is back", {
    retryAfterSeconds: 5,
  });
}

/** @throws KartaError `unknown_agent`, listing the known */
function requireAgent(project: SessionProject, agent: string): void {
  const known = [DEFAULT_AGENT, ...project.agents];
  if (known.includes(agent)) return;
  throw new KartaError(
    "unknown_agent",
    `"${agent}" is not an agent of ${project.name}; it has: ${known.join(", ")}`,
    {
      fields: { known },
      issues: [{ path: "agent", message: `expected one of: ${known.join(", ")}` }],
    },
  );
}
