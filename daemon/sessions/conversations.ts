/**
 * Conversations that a client tells whole with each message, as OpenAI's Chat Completions do. The session whose thread
 * stands where the longest known beginning ends goes on; what it has not heard is told to it. Nothing of a conversation is
 * kept but digests.
 */
import type { Metadata } from "../../shared/protocol/sessions.ts";
import type { ConversationRepository } from "../store/conversations.ts";
import type { ConversationRow } from "../store/schema.ts";
import type { TurnRepository } from "../store/turns.ts";
import type { SentMessage } from "./accept-message.ts";
import { IDEMPOTENCY_MS, type Idempotency } from "./idempotency.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import type { AcceptedTurn } from "./repeated-turn.ts";
import type { Scope } from "./scope.ts";
import type { SessionService } from "./service.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A conversation that nobody went on with for so long begins anew when somebody does. */
const KEEP_MS = 30 * DAY_MS;
/** At some 200 bytes each. */
const KEEP = 100_000;
const SWEEP_EVERY_MS = 60 * 60 * 1000;

/** A message, and the conversation that came before it. */
export interface ToldConversation {
  readonly agent: string | null;
  /** Of a session that is made for it. */
  readonly metadata: Metadata;
  /** The session to go on with, where its client names it. */
  readonly sessionId: string | null;
  /** What was told before the message: a digest of its first piece, of its first two, and so on. */
  readonly digests: readonly string[];
  /** A digest of what the application asks of the agent; null: nothing. */
  readonly instructions: string | null;
  /** The message to send to an agent that knows so much. */
  readonly messageFor: (known: Known) => SentMessage;
  /** A digest of all that was told, the message and its answer. */
  readonly digestAfter: (answer: string) => string;
  readonly idempotency: Idempotency | null;
}

/** What an agent has heard. */
export interface Known {
  /** So many of the pieces that came before the message. */
  readonly pieces: number;
  /** False: they are others than it was told, or it was told some and there are none now. */
  readonly instructions: boolean;
}

export interface ConversationTurn {
  readonly sessionId: string;
  readonly accepted: AcceptedTurn;
}

/** A session that is to go on. */
interface Place {
  readonly sessionId: string;
  readonly known: Known;
  /** Messages that it has accepted. */
  readonly turns: number;
  /** False: it has heard other things than were told, so that nobody can say where it stands. */
  readonly stands: boolean;
  /** The message was not accepted after all. */
  readonly undo: () => Promise<unknown>;
}

export interface ConversationsOptions {
  readonly sessions: SessionService;
  readonly conversations: ConversationRepository;
  readonly turns: TurnRepository;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Owner: the composition root. */
export class Conversations {
  readonly #options: ConversationsOptions;
  readonly #inTurn = new KeyedQueue();
  #sweptAt = 0;

  constructor(options: ConversationsOptions) {
    this.#options = options;
  }

  /**
   * Accepts a message in the session that its conversation goes on in. Of two that go on from the same place, the second
   * finds it taken: a session is made for it, and told all.
   * @param scope the project's
   * @throws KartaError as `SessionService.send` and `create`; then nothing was accepted, and no session is left over
   */
  async accept(
    scope: Scope & { readonly kind: "project" },
    told: ToldConversation,
  ): Promise<ConversationTurn> {
    const { idempotency } = told;
    this.#sweep();
    if (idempotency === null) return this.#accept(scope, told);
    // One after the other: of two that come at once the second finds the turn of the first.
    return this.#inTurn.run(idempotency.key, async () => {
      const { turns, sessions, now } = this.#options;
      const sessionId = await turns.sessionOfKey(idempotency.key, now() - IDEMPOTENCY_MS, {
        project: scope.name,
        endUser: scope.endUser,
      });
      if (sessionId === null) return this.#accept(scope, told);
      const message = told.messageFor({ pieces: told.digests.length, instructions: true });
      return { sessionId, accepted: await sessions.send(scope, sessionId, message, idempotency) };
    });
  }

  async #accept(scope: Scope & { kind: "project" }, told: ToldConversation): Promise<ConversationTurn> {
    const place = await this.#placeOf(scope, told);
    const { sessionId, known, turns, stands } = place;
    const rowAfter = (digest: string | null): ConversationRow => ({
      session_id: sessionId,
      project: scope.name,
      digest,
      instructions: told.instructions,
      turns: turns + 1,
      updated_at: this.#options.now(),
    });
    const message: SentMessage = {
      ...told.messageFor(known),
      changesAtEnd: (outcome) =>
        outcome.kind === "completed"
          ? [{ kind: "conversation", row: rowAfter(stands ? told.digestAfter(outcome.message.text) : null) }]
          : [], // nobody knows what of it the agent has kept
    };
    try {
      return {
        sessionId,
        accepted: await this.#options.sessions.send(scope, sessionId, message, told.idempotency),
      };
    } catch (error) {
      await place.undo().catch(() => undefined); // why the message was refused says more
      throw error;
    }
  }

  async #placeOf(scope: Scope & { kind: "project" }, told: ToldConversation): Promise<Place> {
    if (told.sessionId !== null) return this.#named(told, told.sessionId);
    return (await this.#known(scope, told)) ?? this.#begun(scope, told);
  }

  /**
   * The session that the client names, wherever it stands: it is told the message alone, but for its first. Whether it is
   * there, and within reach, is found out when the message is sent.
   */
  async #named(told: ToldConversation, sessionId: string): Promise<Place> {
    const { conversations } = this.#options;
    const turns = await this.#options.turns.countOf(sessionId);
    const row = await conversations.get(sessionId);
    const digest = told.digests.at(-1) ?? "";
    const stands = row?.turns === turns && (await conversations.claim(sessionId, digest));
    return {
      sessionId,
      known: {
        pieces: turns === 0 ? 0 : told.digests.length,
        instructions: (row?.instructions ?? null) === told.instructions,
      },
      turns,
      stands: stands || turns === 0,
      undo: () => (stands ? conversations.giveBack(sessionId, digest) : Promise.resolve()),
    };
  }

  /** The session that knows most of what was told and nothing else; it is nobody else's from now on. */
  async #known(scope: Scope & { kind: "project" }, told: ToldConversation): Promise<Place | null> {
    const { conversations } = this.#options;
    const rows = await conversations.findAt({ project: scope.name, endUser: scope.endUser }, told.digests);
    const found = rows
      .flatMap((row) => (row.digest === null ? [] : [{ ...row, digest: row.digest }]))
      .map((row) => ({ ...row, pieces: told.digests.lastIndexOf(row.digest) + 1 }))
      .sort((a, b) => b.pieces - a.pieces);
    for (const { session_id: sessionId, digest, turns, instructions, pieces } of found) {
      if (!(await conversations.claim(sessionId, digest))) continue;
      return {
        sessionId,
        known: { pieces, instructions: instructions === told.instructions },
        turns,
        stands: true,
        undo: () => conversations.giveBack(sessionId, digest),
      };
    }
    return null;
  }

  async #begun(scope: Scope, { agent, metadata, instructions }: ToldConversation): Promise<Place> {
    const { sessions } = this.#options;
    const { id } = await sessions.create(scope, { metadata, ...(agent === null ? {} : { agent }) });
    return {
      sessionId: id,
      known: { pieces: 0, instructions: instructions === null },
      turns: 0,
      stands: true,
      undo: () => sessions.delete(scope, id),
    };
  }

  /** Once an hour, beside the request that finds it time. */
  #sweep(): void {
    const now = this.#options.now();
    if (Math.abs(now - this.#sweptAt) < SWEEP_EVERY_MS) return; // a clock that was set back must not put it off
    this.#sweptAt = now;
    // What could not be dropped is in nobody's way: the next hour tries again.
    void this.#options.conversations.drop({ before: now - KEEP_MS, keep: KEEP }).catch(() => undefined);
  }
}
