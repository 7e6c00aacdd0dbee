/** A session that has turns now: an ordered queue, one running. It is dropped from memory when its last turn ends. */
import type { Logger } from "pino";
import { KartaError } from "../../shared/errors.ts";
import { noteLogContext, withLogContext } from "../log/context.ts";
import type { Participant } from "../../shared/events.ts";
import { LIMITS } from "../../shared/protocol/limits.ts";
import type { TurnEnd } from "../harness/harness.ts";
import type { SessionRecord } from "../store/sessions.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { parseParticipants, Participants, type GivenParticipant, type Taken } from "./participants.ts";
import { tellApp } from "./app.ts";
import { messageCompleted, messageReceived } from "./app-events.ts";
import type { SessionProject, SessionRuntime } from "./runtime.ts";
import { CANCELLED, checkOut, failedByError, runTurn } from "./run-turn.ts";
import { endTurn } from "./end-turn.ts";
import { Turn, type TurnInput } from "./turn.ts";
import type { UnstoredEnds } from "./unstored-ends.ts";

/** A message as it comes; its turn knows its speaker as the session does. */
export interface AcceptedMessage extends Omit<TurnInput, "participant"> {
  /** Null: the session's one person. */
  readonly speaker: GivenParticipant | null;
}

/** Owner: the session service. */
export class LiveSession {
  readonly record: SessionRecord;
  readonly project: SessionProject;
  /** Changes of its settings, one after the other; and sends with the same key. */
  readonly inOrder = new KeyedQueue();
  readonly participants: Participants;
  readonly #runtime: SessionRuntime;
  readonly #log: Logger;
  /** First: the running one. The spec's bound holds for those behind it. */
  readonly #turns: Turn[] = [];
  /** The one in hand, from its place's coming to its end; null between two turns. */
  #current: Turn | null = null;
  #running = false;
  /** Messages whose policies are asked, or wait to be asked; they run one after the other. */
  #admitting = 0;
  #lastAdmission: Promise<unknown> = Promise.resolve();
  /** Those whose end is being stored for the first time. */
  readonly #ending = new Set<Turn>();
  /** Those whose end the store did not take; it is tried again. */
  readonly #unstored = new Set<Turn>();
  readonly #ends: UnstoredEnds;
  /** A process is being got ready ahead of a turn; the turn waits for it rather than start a second one. */
  #warming: Promise<void> | null = null;
  readonly #closed = new AbortController();
  #onIdle: () => void;

  constructor(options: {
    record: SessionRecord;
    project: SessionProject;
    runtime: SessionRuntime;
    ends: UnstoredEnds;
    /** Called each time the last turn has ended, and its end is stored. */
    onIdle: () => void;
  }) {
    this.record = options.record;
    this.project = options.project;
    this.participants = new Participants(parseParticipants(options.record.participants));
    this.#runtime = options.runtime;
    this.#ends = options.ends;
    this.#onIdle = options.onIdle;
    this.#log = options.runtime.logger.child({
      session_id: options.record.id,
      project: options.record.project,
    });
    this.#runtime.log.open(options.record.id, options.record.last_seq);
  }

  /** The turn that runs, or will run next. */
  get turn(): Turn | null {
    return this.#turns[0] ?? null;
  }

  get turns(): readonly Turn[] {
    return this.#turns;
  }

  /** The seq of its first turn whose end is not stored; null when all ends are. */
  get unfinishedFrom(): number | null {
    const open = [...this.#turns, ...this.#ending, ...this.#unstored];
    const seqs = open.flatMap(({ acceptedSeq }) => (acceptedSeq > 0 ? acceptedSeq : []));
    return seqs.length === 0 ? null : Math.min(...seqs);
  }

  /** The turn that was sent with a key, until its end is stored, or could not be. */
  findByKey(key: string): Turn | null {
    return [...this.#turns, ...this.#ending].find(({ input }) => input.idempotency?.key === key) ?? null;
  }

  /** Nothing runs, waits or is being stored: it may be dropped from memory. */
  get isIdle(): boolean {
    const unfinished = this.#turns.length + this.#ending.size + this.#unstored.size;
    return unfinished === 0 && this.#warming === null;
  }

  /**
   * Has messages looked at one after the other, so that they keep the order they came in however long their policies take.
   * @throws KartaError `queue_full`, and what `admit` throws
   */
  async admitInOrder<T>(admit: () => Promise<T>): Promise<T> {
    if (this.#turns.length + this.#admitting > LIMITS.waitingTurns) throw queueFull();
    this.#admitting += 1;
    const admission = this.#lastAdmission.then(admit, admit);
    this.#lastAdmission = admission;
    try {
      return await admission;
    } finally {
      this.#admitting -= 1;
    }
  }

  /**
   * Accepts a message: its `message` event, its turn and its speaker are stored together before this resolves; it runs
   * when its place comes.
   * @throws KartaError `queue_full`, `storage_unavailable`, `invalid_request` for one participant too many; then nothing
   *   was accepted
   */
  async enqueue({ speaker, ...message }: AcceptedMessage): Promise<Turn> {
    if (this.#turns.length > LIMITS.waitingTurns) throw queueFull();
    const taken = speaker === null ? null : this.participants.take(speaker, "participant_name");
    const turn = new Turn({
      input: { ...message, participant: taken?.participant ?? null },
      agent: this.record.current_agent,
      now: this.#runtime.now(),
      logger: this.#runtime.logger,
      session: this.record,
    });
    noteLogContext(turn.logContext); // the request's own line names it too
    this.#turns.push(turn); // its place is taken before anything is awaited: sends keep the order they came in
    try {
      turn.acceptedSeq = await this.#storeAccepted(turn, taken);
      taken?.keep();
      turn.accepted.resolve(undefined);
      tellApp(this.project, () => messageReceived(this.record, turn));
    } catch (error) {
      taken?.undo();
      this.#remove(turn);
      turn.accepted.reject(error);
      throw error;
    }
    void this.#run();
    return turn;
  }

  /** @returns the seq of the turn's `message` event */
  async #storeAccepted(turn: Turn, taken: Taken | null): Promise<number> {
    if (!(await this.#ends.store(this.record.id))) throw earlierEndNotStored();
    const { text, participant, idempotency } = turn.input;
    const [message] = await this.#runtime.log.append({
      sessionId: this.record.id,
      turnId: turn.id,
      drafts: [{ type: "message", data: { message_id: turn.userMessage.id, text, participant } }],
      changes: [
        {
          kind: "turn_opened",
          row: {
            id: turn.id,
            session_id: this.record.id,
            agent: turn.agent,
            state: "queued",
            created_at: turn.createdAt,
            started_at: null,
            ended_at: null,
            input_tokens: 0,
            output_tokens: 0,
            cost_usd: null,
            idempotency_key: idempotency?.key ?? null,
            idempotency_hash: idempotency?.bodyHash ?? null,
          },
        },
        ...(taken?.isNews === true
          ? [
              {
                kind: "participant" as const,
                row: { ...taken.participant, session_id: this.record.id, created_at: turn.createdAt },
              },
            ]
          : []),
      ],
    });
    return message?.seq ?? 0;
  }

  /** Adds a participant, or changes the known one of that name. @throws KartaError `invalid_request`, `storage_unavailable` */
  async addParticipant(given: GivenParticipant): Promise<Participant> {
    const taken = this.participants.take(given, "name");
    try {
      const row = { ...taken.participant, session_id: this.record.id, created_at: this.#runtime.now() };
      if (taken.isNews) await this.#runtime.participants.put(row);
      taken.keep();
    } catch (error) {
      taken.undo();
      throw error;
    }
    return taken.participant;
  }

  /** Ends a turn: a waiting one at once; the one in hand hears its signal. Harmless on one that has ended. */
  async cancel(turn: Turn): Promise<void> {
    turn.requestCancel();
    if (turn.state === "queued" && turn !== this.#current) await this.#end(turn, CANCELLED);
  }

  /** Gets the session's process ready. Returns at once; a session with turns has or gets one anyway. */
  warm(): void {
    if (this.#turns.length > 0 || this.#warming !== null) return;
    this.#warming = checkOut(this.#runtime, this, this.record.current_agent, this.#closed.signal)
      .then(
        (lease) => lease.release(true),
        (error: unknown) => this.#log.warn({ err: error }, "the session's process could not be got ready"),
      )
      .finally(() => {
        this.#warming = null;
        if (this.isIdle) this.#onIdle();
      });
  }

  /** The session is being deleted, or kartad stops: a process that is being got ready is given up. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#warming;
  }

  /** Ends every waiting turn with an error; the running one goes on. */
  async refuseWaiting(error: KartaError): Promise<void> {
    const waiting = this.#turns.filter((turn) => turn !== this.#current);
    await Promise.all(waiting.map((turn) => this.#end(turn, failedByError(error, turn))));
  }

  /** Takes turns off the queue, one after the other, until it is empty. */
  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (let turn = this.#next(); turn !== null; turn = this.#next()) {
      this.#current = turn;
      await this.#warming;
      // Whoever's request began this loop: the turn is its own.
      await withLogContext(turn.logContext, async () => {
        const isClear = await this.#ends.store(this.record.id);
        const end = isClear
          ? await runTurn(this.#runtime, this, turn)
          : failedByError(earlierEndNotStored(), turn);
        this.#current = null;
        await this.#end(turn, end);
      });
    }
    this.#running = false;
  }

  /** The next turn that is stored. One that is not yet stored calls `#run` when it is. */
  #next(): Turn | null {
    const turn = this.#turns[0];
    return turn !== undefined && turn.acceptedSeq > 0 ? turn : null;
  }

  async #end(turn: Turn, end: TurnEnd): Promise<void> {
    // Out of the queue first: whoever is told of the end finds a session that is ready for the next turn.
    this.#remove(turn);
    this.#ending.add(turn);
    const outcome = await endTurn(this.#runtime, {
      sessionId: this.record.id,
      turn,
      end,
      ends: this.#ends,
      onStored: () => {
        if (this.#unstored.delete(turn) && this.isIdle) this.#onIdle();
      },
    });
    if (!turn.isEndStored) this.#unstored.add(turn);
    tellApp(this.project, () => messageCompleted(this.record, turn, outcome));
    this.#ending.delete(turn);
    if (this.isIdle) this.#onIdle();
  }

  #remove(turn: Turn): void {
    const place = this.#turns.indexOf(turn);
    if (place >= 0) this.#turns.splice(place, 1);
  }
}

function earlierEndNotStored(): KartaError {
  return new KartaError(
    "storage_unavailable",
    "the end of the session's turn before this could not be stored; see `karta logs` and check the disk that holds Karta's state folder",
    { retryAfterSeconds: 5 },
  );
}

function queueFull(): KartaError {
  return new KartaError(
    "queue_full",
    `${LIMITS.waitingTurns} messages wait in this session already; send again when the running turn has ended`,
    { retryAfterSeconds: 5 },
  );
}
