/**
 * Reads conversations back from their agents, by `session/load`, which tells one again from its beginning: on the process
 * that has it, where that is idle; else on another one, which stays for a moment, since pages come one after the other.
 */
import { RequestError } from "@agentclientprotocol/sdk";
import type { Logger } from "pino";
import { AtMost } from "../at-most.ts";
import type { LaunchSpec, Transcript, TranscriptRequest } from "../harness.ts";
import { Replay } from "./replay.ts";
import { retell } from "./session-setup.ts";
import type { Place } from "./shared-connections.ts";
import { messageOf } from "./turn-end.ts";

/** A conversation is held in memory whole while it is read. */
const READS_AT_ONCE = 2;
/** From the start of a process, if one is needed, to the last word. */
const READ_TIMEOUT_MS = 60_000;
/** How long a process is kept for a next read, and how many. */
const KEPT_MS = 20_000;
const MAX_KEPT = 2;
/** JSON-RPC's code of an agent that has no such conversation. */
const NOT_FOUND = -32_002;

/** A conversation on a process of the pool. */
export interface HeldConversation {
  /** Its agent can tell it again. */
  readonly isTold: boolean;
  /** Null: it is busy. */
  reread(signal: AbortSignal): Promise<Replay | null>;
}

/** A process that stays for a next read. */
interface Kept {
  readonly place: Place;
  readonly timer: NodeJS.Timeout;
}

export interface ReaderOptions {
  /** What the agent is called, for people. */
  readonly title: string;
  /** As in the preset. */
  readonly authMethod: string | null;
  /** `starting`: a process is about to take it up. Null: none has it. */
  readonly held: (conversation: string) => HeldConversation | "starting" | null;
  /** @param apart on a process that holds none of the pool's conversations */
  readonly acquire: (launch: LaunchSpec, apart: boolean, signal: AbortSignal) => Promise<Place>;
  /** How long one reading may take; a minute when left out. */
  readonly timeoutMs?: number;
  readonly logger: Logger;
}

/** Owner: the harness. Its processes are the spawner's. */
export class TranscriptReader {
  readonly #options: ReaderOptions;
  readonly #reads = new AtMost(READS_AT_ONCE);
  /** By conversation: who asks meanwhile gets the same. */
  readonly #reading = new Map<string, Promise<Transcript>>();
  /** Oldest first. */
  #kept: readonly Kept[] = [];
  /** Programs that were seen not to offer `session/load`: no process is started to learn it again. */
  readonly #unable = new Set<string>();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Never rejects: what keeps it from reading is the answer. */
  read(request: TranscriptRequest): Promise<Transcript> {
    const key = conversationKey(request.project, request.threadId);
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = this.#reads
        .run(() => this.#read(request, key))
        .catch((error: unknown) => this.#failed(error))
        .finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
    }
    return reading;
  }

  /** Resolves when the conversation is not being read: two processes must not both be given it by this harness. */
  async settled(conversation: string): Promise<void> {
    await this.#reading.get(conversation);
  }

  async #read({ threadId, launch }: TranscriptRequest, key: string): Promise<Transcript> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs ?? READ_TIMEOUT_MS);
    const reading = await launch();
    const program = JSON.stringify(reading.command);
    const held = this.#options.held(key);
    const conversation = held === "starting" ? null : held;
    if (conversation?.isTold === false) this.#unable.add(program);
    if (this.#unable.has(program)) return this.#untold();
    const replay = (await conversation?.reread(signal)) ?? null;
    if (replay !== null) return this.#told(replay);

    const place = await this.#options.acquire(reading, held !== null, signal);
    try {
      const isTold = place.connection.traits?.canLoad === true;
      const transcript = isTold ? await this.#load(place, threadId, reading.cwd, signal) : this.#untold();
      if (!isTold) this.#unable.add(program);
      this.#keep(place);
      return transcript;
    } catch (error) {
      place.retire(); // it may go on telling: whoever took the conversation up there would take it for new
      void place.release();
      throw error;
    }
  }

  async #load(place: Place, threadId: string, cwd: string, signal: AbortSignal): Promise<Transcript> {
    const { connection } = place;
    const replay = new Replay(threadId);
    connection.listen(threadId, replay);
    try {
      const { authMethod } = this.#options;
      await retell({ connection, authMethod, signal }, { sessionId: threadId, cwd, mcpServers: [] });
      return this.#told(replay);
    } catch (error) {
      if (error instanceof RequestError && error.code === NOT_FOUND) return { kind: "none" };
      throw error;
    } finally {
      await connection.closeConversation(threadId);
      connection.forget(threadId);
    }
  }

  #untold(): Transcript {
    return {
      kind: "unreadable",
      detail: `${this.#options.title} keeps its conversations to itself (it does not offer session/load); GET …/events has what was said`,
    };
  }

  #told(replay: Replay): Transcript {
    if (replay.isTooLong)
      return {
        kind: "unreadable",
        detail: "the conversation is too long to be read back; GET …/events has what was said",
      };
    return { kind: "read", entries: replay.entries() };
  }

  #failed(error: unknown): Transcript {
    this.#options.logger.warn({ err: error }, "a conversation was not read back");
    return {
      kind: "unreadable",
      detail: `${this.#options.title} did not tell the conversation again: ${messageOf(error)}; GET …/events has what was said`,
    };
  }

  /** For a next read. */
  #keep(place: Place): void {
    if (place.connection.traits?.canClose !== true || !place.connection.takesTurns) {
      void place.release();
      return;
    }
    const kept: Kept = { place, timer: setTimeout(() => this.#letGo(kept), KEPT_MS).unref() };
    this.#kept = [...this.#kept, kept];
    const [oldest] = this.#kept;
    if (oldest !== undefined && this.#kept.length > MAX_KEPT) this.#letGo(oldest);
  }

  #letGo(kept: Kept): void {
    clearTimeout(kept.timer);
    this.#kept = this.#kept.filter((one) => one !== kept);
    void kept.place.release();
  }
}

/** One conversation among all projects: agents give ids that others may give too. */
export function conversationKey(project: string, threadId: string): string {
  return JSON.stringify([project, threadId]);
}
