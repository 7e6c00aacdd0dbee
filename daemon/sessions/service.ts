/** Sessions, for both planes: create, find, list, send, cancel, delete. A session is a handle; its history is the harness's. */
import { KartaError } from "../../shared/errors.ts";
import { isId } from "../../shared/ids.ts";
import type {
  CreateSession,
  InputAnswer,
  SendMessage,
  Session,
  SessionPage,
} from "../../shared/protocol/sessions.ts";
import type { SessionFilter, SessionRecord } from "../store/sessions.ts";
import { SessionCreation } from "./creation.ts";
import { IDEMPOTENCY_MS, requireSameBody, type Idempotency } from "./idempotency.ts";
import { inScope, requireAgent, type Scope } from "./scope.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { LiveSession } from "./live-session.ts";
import { LiveSessions, noSuchSession } from "./live-sessions.ts";
import { DEFAULT_AGENT, type SessionProject, type SessionRuntime } from "./runtime.ts";
import type { Turn } from "./turn.ts";
import { sessionView } from "./view.ts";

/** A message that was accepted: now, or by an earlier request that this one repeats. */
export type AcceptedTurn =
  | { readonly kind: "live"; readonly turn: Turn }
  /** It has ended: what it said is in the log, after its `message` event. */
  | { readonly kind: "ended"; readonly id: string; readonly agent: string; readonly acceptedSeq: number };

/** Owner: the composition root. */
export class SessionService {
  readonly #runtime: SessionRuntime;
  readonly #live: LiveSessions;
  readonly #creation: SessionCreation;
  #draining = false;

  constructor(runtime: SessionRuntime) {
    this.#runtime = runtime;
    this.#live = new LiveSessions(runtime);
    this.#creation = new SessionCreation(runtime);
  }

  /** Turns that have not ended, over all sessions. */
  get liveTurns(): readonly Turn[] {
    return this.#live.all.flatMap((session) => session.turns);
  }

  /** The project of a session that has turns now; null for one that is at rest. */
  projectOf(sessionId: string): string | null {
    return this.#live.find(sessionId)?.project.name ?? null;
  }

  /** As `SessionCreation.create`; with a `session_id`, the session of that id. */
  async create(scope: Scope, body: CreateSession, idempotency: Idempotency | null = null): Promise<Session> {
    if (body.session_id !== undefined) return this.get(scope, body.session_id);
    const { id, isNew } = await this.#creation.create(scope, body, idempotency);
    const session = await this.get(scope, id);
    const project = isNew ? this.#runtime.projects.find(session.project.ref) : null;
    if (project !== null) void this.prepare(project, session.current_agent);
    return session;
  }

  /** @throws KartaError `not_found` */
  async get(scope: Scope, id: string): Promise<Session> {
    const record = await this.#record(scope, id);
    return sessionView(record, this.#live.turnOf(id));
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
      data: shown.map((row) => sessionView(row, this.#live.turnOf(row.id))),
      next_cursor:
        rows.length > page.limit && last ? encodeCursor({ createdAt: last.created_at, id: last.id }) : null,
    };
  }

  /**
   * Accepts a message. It is stored when this resolves, and runs when its place in the session's queue comes.
   * @throws KartaError `not_found`, `unknown_agent`, `queue_full`, `harness_unavailable`, `shutting_down`,
   *   `storage_unavailable`; then nothing was accepted
   */
  async send(
    scope: Scope,
    id: string,
    body: SendMessage,
    idempotency: Idempotency | null = null,
  ): Promise<AcceptedTurn> {
    if (this.#draining) throw shuttingDown();
    await this.#record(scope, id); // the scope is checked on what is stored, before anything else is looked at
    return this.#live.use(id, async (session) => {
      if (this.#draining) throw shuttingDown(); // it may have begun while the session was opened
      if (session.record.archived_at !== null) throw noSuchSession();
      const repeated = idempotency === null ? null : await this.#findTurn(session, idempotency);
      if (repeated !== null) return repeated;
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
        idempotency,
      });
      return { kind: "live", turn };
    });
  }

  /** The turn that this key was sent with before. @throws KartaError `idempotency_mismatch` */
  async #findTurn(session: LiveSession, given: Idempotency): Promise<AcceptedTurn | null> {
    const inMemory = (): Turn | undefined =>
      session.turns.find(({ input }) => input.idempotency?.key === given.key);
    const since = this.#runtime.now() - IDEMPOTENCY_MS;
    const row = inMemory() ? null : await this.#runtime.turns.findByKey(session.record.id, given.key, since);
    // Looked for again: one may have come while the store was read.
    const live = inMemory();
    if (live?.input.idempotency) {
      requireSameBody(live.input.idempotency, given);
      await live.accepted.promise;
      return { kind: "live", turn: live };
    }
    if (row === null) return null;
    requireSameBody({ key: given.key, bodyHash: row.idempotency_hash ?? "" }, given);
    const acceptedSeq = await this.#runtime.events.firstSeqOf(session.record.id, row.id);
    return { kind: "ended", id: row.id, agent: row.agent, acceptedSeq };
  }

  /** @returns the id of the turn that was asked to end. @throws KartaError `not_found`, `no_turn_running` */
  async cancel(scope: Scope, id: string): Promise<string> {
    await this.#record(scope, id);
    const session = this.#live.find(id);
    const turn = session?.turn ?? null;
    if (!session || turn === null)
      throw new KartaError("no_turn_running", "no turn runs or waits in this session");
    await session.cancel(turn);
    return turn.id;
  }

  /**
   * Answers an approval or a question.
   * @returns the turn, and the seq of the answer's event: what the turn does next comes after it
   * @throws KartaError `not_found`, `input_already_resolved`
   */
  async resolveInput(
    scope: Scope,
    id: string,
    requestId: string,
    answer: InputAnswer,
  ): Promise<{ turn: Turn; resolvedSeq: number }> {
    await this.#record(scope, id);
    const turn = this.#live.turnOf(id);
    const resolvedSeq = (await turn?.approvals.answer(requestId, answer)) ?? null;
    if (turn !== null && resolvedSeq !== null) return { turn, resolvedSeq };
    const resolved = await this.#runtime.events.findResolution(id, requestId);
    if (resolved === null) throw new KartaError("not_found", "no such input in this session");
    throw new KartaError(
      "input_already_resolved",
      `this was answered already: ${resolved.decision}, by ${resolved.by}`,
      {
        fields: { decision: resolved.decision, by: resolved.by },
      },
    );
  }

  /**
   * Gets a process ready for the session, so that its next turn starts warm. Resolves at once, before it is ready.
   * @throws KartaError `not_found`, `harness_unavailable`, `shutting_down`
   */
  async warm(scope: Scope, id: string): Promise<void> {
    if (this.#draining) throw shuttingDown();
    await this.#record(scope, id);
    await this.#live.use(id, (session) => {
      if (session.record.archived_at !== null) throw noSuchSession();
      session.project.requireReady();
      session.warm();
      return Promise.resolve();
    });
  }

  /** Keeps processes ready for new sessions of a project. Never rejects: a turn tells what is wrong. */
  async prepare(project: SessionProject, agent: string = DEFAULT_AGENT): Promise<void> {
    if (project.spares === 0 || this.#draining) return;
    const launch = await project.commonLaunch(agent);
    if (launch === null) return;
    this.#runtime.pool.prepare({
      harness: project.harness,
      launch,
      spares: project.spares,
      maxOfProject: project.maxProcesses,
    });
  }

  /** Cancels the session's turns, ends its process and archives the handle. @throws KartaError `not_found` */
  async delete(scope: Scope, id: string): Promise<void> {
    const record = await this.#record(scope, id);
    if (record.archived_at === null) {
      const now = this.#runtime.now();
      await this.#runtime.sessions.update(id, { archived_at: now, updated_at: now });
      // One that is being opened has read the row before it was archived, maybe.
      const session = await this.#live.findOpening(id);
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
    const sessions = this.#live.all.filter((session) => session.project.name === name);
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
    const sessions = this.#live.all;
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
    await Promise.all([session.close(), ...turns.map((turn) => session.cancel(turn))]);
    await Promise.all(turns.map((turn) => turn.outcome));
  }

  async #record(scope: Scope, id: string): Promise<SessionRecord> {
    const record = isId("sess", id) ? await this.#runtime.sessions.get(id) : null;
    if (record === null || !inScope(scope, record)) throw noSuchSession();
    return record;
  }
}

function shuttingDown(): KartaError {
  return new KartaError("shutting_down", "kartad is stopping; send again when it is back", {
    retryAfterSeconds: 5,
  });
}
