/** Sessions, for both planes: create, find, list, send, cancel, delete. A session is a handle; its history is the harness's. */
import { KartaError } from "../../shared/errors.ts";
import { noteLogContext } from "../log/context.ts";
import type { Participant } from "../../shared/events.ts";
import { isId } from "../../shared/ids.ts";
import type { MessagePage } from "../../shared/protocol/messages.ts";
import type { AddParticipant } from "../../shared/protocol/participants.ts";
import type {
  CreateSession,
  InputAnswer,
  PatchSession,
  Session,
  SessionPage,
} from "../../shared/protocol/sessions.ts";
import type { SessionFilter, SessionRecord } from "../store/sessions.ts";
import { acceptMessage, type SentMessage } from "./accept-message.ts";
import { tellApp } from "./app.ts";
import { sessionCreated } from "./app-events.ts";
import { SessionCreation } from "./creation.ts";
import { readHistory, type HistoryQuery } from "./history.ts";
import type { Idempotency } from "./idempotency.ts";
import { requireAllowed } from "./end-user.ts";
import { inScope, limitsOf, type Scope } from "./scope.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { LiveSession } from "./live-session.ts";
import { LiveSessions, noSuchSession } from "./live-sessions.ts";
import type { AcceptedTurn } from "./repeated-turn.ts";
import { DEFAULT_AGENT, type SessionProject, type SessionRuntime } from "./runtime.ts";
import { patchSettings } from "./session-settings.ts";
import type { Turn } from "./turn.ts";
import { answerInput, cancelTurn } from "./steering.ts";
import { sessionView } from "./view.ts";

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

  /** The first seq of a session's turns that have not ended; null where all have. */
  unfinishedFrom(sessionId: string): number | null {
    return this.#live.find(sessionId)?.unfinishedFrom ?? null;
  }

  /** As `SessionCreation.create`; with a `session_id`, the session of that id. */
  async create(scope: Scope, body: CreateSession, idempotency: Idempotency | null = null): Promise<Session> {
    if (body.session_id !== undefined) {
      const known = await this.get(scope, body.session_id);
      if (known.status === "archived") throw noSuchSession(); // it takes no more turns
      return known;
    }
    const { id, isNew } = await this.#creation.create(scope, body, idempotency);
    const session = await this.get(scope, id);
    const project = isNew ? this.#runtime.projects.find(session.project.ref) : null;
    if (project !== null) {
      void this.prepare(project, session.current_agent);
      tellApp(project, () => sessionCreated(session));
    }
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
    filter: Omit<SessionFilter, "endUser">,
    page: { readonly limit: number; readonly cursor: string | null },
  ): Promise<SessionPage> {
    const after = page.cursor === null ? null : decodeCursor(page.cursor);
    const { project, endUser } = limitsOf(scope);
    const wanted = { ...filter, project: project ?? filter.project, endUser };
    const rows = await this.#runtime.sessions.list(wanted, page.limit + 1, after);
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
   * @throws KartaError `not_found`, `unknown_agent`, `policy_refused`, `queue_full`, `harness_unavailable`,
   *   `shutting_down`, `storage_unavailable`, `invalid_request` for images that the agent takes none of; then nothing
   *   was accepted
   */
  async send(
    scope: Scope,
    id: string,
    body: SentMessage,
    idempotency: Idempotency | null = null,
  ): Promise<AcceptedTurn> {
    if (this.#draining) throw shuttingDown();
    return this.#useActive(scope, id, (session) => {
      const requireOpen = (): void => {
        if (this.#draining) throw shuttingDown();
        if (session.record.archived_at !== null) throw noSuchSession();
      };
      return acceptMessage(this.#runtime, session, { body, idempotency, requireOpen });
    });
  }

  /** As `cancelTurn`; `not_found` for a session too. */
  async cancel(scope: Scope, id: string, turnId: string | null = null): Promise<string> {
    await this.#record(scope, id);
    return cancelTurn(this.#runtime, { id, live: this.#live.find(id) }, turnId);
  }

  /** As `answerInput`; `not_found` for a session too. */
  async resolveInput(
    scope: Scope,
    id: string,
    requestId: string,
    answer: InputAnswer,
  ): Promise<{ turn: Turn; resolvedSeq: number }> {
    await this.#record(scope, id);
    return answerInput(this.#runtime, { id, live: this.#live.find(id) }, requestId, answer);
  }

  /**
   * Changes metadata, agent or permission mode, all or nothing.
   * @throws KartaError `not_found`, `unknown_agent`, `invalid_request`, `storage_unavailable`, `forbidden`
   */
  async patch(scope: Scope, id: string, patch: PatchSession): Promise<Session> {
    await this.#record(scope, id); // who may not see it must not hear what else is wrong
    requireAllowed(scope, patch);
    await this.#useActive(scope, id, (session) => patchSettings(this.#runtime, session, patch));
    return this.get(scope, id);
  }

  /** @throws KartaError `not_found`, `invalid_request` for one too many, `storage_unavailable` */
  async addParticipant(scope: Scope, id: string, given: AddParticipant): Promise<Participant> {
    return this.#useActive(scope, id, (session) => session.addParticipant(given));
  }

  /** The conversation as the harness keeps it. @throws KartaError `not_found`, `invalid_request` for a bad cursor */
  async messages(scope: Scope, id: string, query: HistoryQuery): Promise<MessagePage> {
    const record = await this.#record(scope, id);
    const project = this.#runtime.projects.find(record.project);
    if (project === null) throw noSuchSession(); // the project was removed, and with it what can read its transcripts
    return readHistory(project, record, query);
  }

  /**
   * Puts a file that a user sent into the session's workspace. @returns its path there
   * @throws KartaError `not_found`, `shutting_down`, and as `SessionProject.putFile`
   */
  async putFile(scope: Scope, id: string, name: string, content: Buffer): Promise<string> {
    if (this.#draining) throw shuttingDown();
    return this.#useActive(scope, id, ({ project }) => project.putFile(id, name, content));
  }

  /**
   * Gets a process ready for the session, so that its next turn starts warm. Resolves at once, before it is ready.
   * @throws KartaError `not_found`, `harness_unavailable`, `shutting_down`
   */
  async warm(scope: Scope, id: string): Promise<void> {
    if (this.#draining) throw shuttingDown();
    await this.#useActive(scope, id, (session) => {
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

  /** @throws KartaError `storage_unavailable` while events cannot be stored: no message could be accepted */
  async requireStore(): Promise<void> {
    if (await this.#runtime.log.isWritable()) return;
    throw new KartaError(
      "storage_unavailable",
      "the store cannot be written; see `karta logs` and check the disk that holds Karta's state folder",
      { retryAfterSeconds: 5 },
    );
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
    await this.#live.ends.close();
    await this.#runtime.log.settled();
  }

  async #endTurns(session: LiveSession): Promise<void> {
    const turns = [...session.turns];
    await Promise.all([session.close(), ...turns.map((turn) => session.cancel(turn))]);
    await Promise.all(turns.map((turn) => turn.outcome));
  }

  /** Works on a session that is not archived. @throws KartaError `not_found` */
  async #useActive<T>(scope: Scope, id: string, work: (session: LiveSession) => Promise<T>): Promise<T> {
    if (!isId("sess", id)) throw noSuchSession();
    return this.#live.use(id, (session) => {
      if (!inScope(scope, session.record) || session.record.archived_at !== null) throw noSuchSession();
      return work(session);
    });
  }

  async #record(scope: Scope, id: string): Promise<SessionRecord> {
    const record = isId("sess", id) ? await this.#runtime.sessions.get(id) : null;
    if (record === null || !inScope(scope, record)) throw noSuchSession();
    noteLogContext({ project: record.project, session_id: record.id });
    return record;
  }
}

function shuttingDown(): KartaError {
  return new KartaError("shutting_down", "kartad is stopping; send again when it is back", {
    retryAfterSeconds: 5,
  });
}
