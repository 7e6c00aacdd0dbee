/** One conversation on an agent's connection: its turns, its permissions, its end. */
import { methods, type ContentBlock, type RequestPermissionResponse } from "@agentclientprotocol/sdk";
import type { Logger } from "pino";
import { logContext } from "../../log/context.ts";
import type { ManagedProcess } from "../../process/process.ts";
import {
  NO_USAGE,
  type AgentProcess,
  type LaunchSpec,
  type ToolCall,
  type ToolResult,
  type TurnEnd,
  type TurnRequest,
} from "../harness.ts";
import type { AppTools } from "./app-tools.ts";
import { CLOSE_MS, type ConversationEars } from "./connection.ts";
import type { KeptPlaces } from "../kept-places.ts";
import type { PermissionAsked } from "./permission.ts";
import { asPlainText } from "./plain-text.ts";
import { Questions } from "./questions.ts";
import { Replay } from "./replay.ts";
import { ABANDONED, newTurn, settlesWithin, type RunningTurn } from "./running-turn.ts";
import type { Place } from "./shared-connections.ts";
import type { HeldConversation } from "./transcript-reader.ts";
import { answeredEnd, refusedEnd } from "./turn-end.ts";
import type { Update } from "./updates.ts";
import { UsageMeter } from "./usage.ts";

export interface ConversationOptions {
  /** Given back when the conversation ends. */
  readonly place: Place;
  readonly threadId: string;
  readonly isNew: boolean;
  readonly launch: LaunchSpec;
  /** What no tool may touch. */
  readonly kept: KeptPlaces;
  /** Whether its tokens cost money. */
  readonly priced: boolean;
  /** What the agent is called, for people. */
  readonly title: string;
  /** The app's own, closed with the conversation; null: it has none. */
  readonly tools: AppTools | null;
  /** Has the agent tell the conversation again from its beginning, and takes it up as it was. */
  readonly tellAgain: (signal: AbortSignal) => Promise<void>;
  /** It has ended, however. */
  readonly onEnd: () => void;
  readonly logger: Logger;
}

const CANCELLED: TurnEnd = { kind: "cancelled", usage: NO_USAGE };

/** Owner: the pool. Freed by `stop()`, or by the process's own death. */
export class Conversation implements AgentProcess, ConversationEars, HeldConversation {
  readonly threadId: string;
  readonly #options: ConversationOptions;
  readonly #questions: Questions;
  readonly #usage: UsageMeter;
  #turn: RunningTurn | null = null;
  #stopping: Promise<void> | null = null;
  /** Listens while the conversation is told again. */
  #replay: Replay | null = null;
  #telling: Promise<unknown> = Promise.resolve();

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.threadId = options.threadId;
    const { launch, kept } = options;
    this.#questions = new Questions(launch, (input) => {
      const { cwd, home } = launch;
      const { temp } = this.process;
      return kept.refusal(input, { cwd, home, own: [cwd, home, ...(temp === null ? [] : [temp])] });
    });
    this.#usage = new UsageMeter(options);
    options.place.connection.listen(options.threadId, this);
    options.tools?.bind((call) => this.#callTool(call));
    void this.process.exited.then(() => this.#over());
  }

  get process(): ManagedProcess {
    return this.#options.place.connection.process;
  }

  get isTold(): boolean {
    return this.#options.place.connection.traits?.canLoad ?? false;
  }

  get isOpen(): boolean {
    return this.#stopping === null && this.#options.place.connection.takesTurns;
  }

  async run(request: TurnRequest): Promise<TurnEnd> {
    const { connection } = this.#options.place;
    if (this.#turn !== null) throw new Error("a conversation runs one turn at a time");
    if (this.#stopping !== null || !connection.isOpen()) return this.#crashed();
    if (request.images.length > 0 && connection.traits?.takesImages !== true) return this.#takesNoImages();
    const turn = newTurn(request);
    const { translator, ending } = turn;
    this.#turn = turn;
    const context = logContext();
    connection.turns.began(context);
    this.#usage.begin();
    try {
      await this.#telling;
      if (ending.signal.aborted) return CANCELLED;
      if (this.#isStopping()) return this.#crashed();
      turn.answered = connection.agent.request(methods.agent.session.prompt, {
        sessionId: this.threadId,
        prompt: promptOf(request),
      });
      const answer: unknown = await Promise.race([turn.answered, turn.abandoned.promise]);
      translator.end();
      if (answer === ABANDONED) return CANCELLED;
      return answeredEnd(answer, this.#usage.end(answer), ending.signal.aborted);
    } catch (error) {
      translator.end();
      if (connection.isOpen()) return refusedEnd(error, this.#usage.end(null), ending.signal.aborted);
      await this.process.exited;
      return ending.signal.aborted ? CANCELLED : this.#crashed();
    } finally {
      if (!connection.isOpen()) connection.tellDeath(ending.signal.aborted);
      connection.turns.ended(context);
      ending.abort(); // a question that outlived its turn
      this.#turn = null;
    }
  }

  async cancel(): Promise<void> {
    if (this.#turn === null) return;
    this.#turn.ending.abort();
    await this.#options.place.connection.agent
      .notify(methods.agent.session.cancel, { sessionId: this.threadId })
      .catch((error: unknown) => this.#options.logger.debug({ err: error }, "a cancel could not be sent"));
  }

  retire(): void {
    this.#options.place.retire();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * What the agent has said and done so far, told again by it. Null while a turn runs: what it says now and what it said
   * then could not be told apart. Rejects with what the agent or the signal says.
   */
  async reread(signal: AbortSignal): Promise<Replay | null> {
    if (this.#turn !== null || this.#replay !== null || !this.isOpen) return null;
    const replay = (this.#replay = new Replay(this.threadId));
    const telling = this.#options.tellAgain(signal).finally(() => (this.#replay = null));
    this.#telling = telling.catch(() => undefined);
    try {
      await telling;
    } catch (error) {
      if (signal.aborted) void this.stop(); // what it still tells would be taken for new
      throw error;
    }
    return replay;
  }

  /** Asked again, after a wait. */
  #isStopping(): boolean {
    return this.#stopping !== null;
  }

  async #stop(): Promise<void> {
    const { place } = this.#options;
    const { connection } = place;
    if (this.#turn !== null) await this.#endTurn(this.#turn);
    else await connection.closeConversation(this.threadId);
    connection.forget(this.threadId);
    this.#over();
    await place.release();
  }

  /**
   * Nobody waits for the turn any more. What it goes on doing costs its process, and first those who share it with others
   * get one more chance to end it alone.
   */
  async #endTurn(turn: RunningTurn): Promise<void> {
    const { place } = this.#options;
    const { connection } = place;
    turn.ending.abort();
    turn.abandoned.resolve(ABANDONED);
    if (place.isAlone() || !connection.isOpen()) return connection.stop();
    await connection.closeConversation(this.threadId);
    // Null: the agent has not heard of it.
    if (turn.answered === null || (await settlesWithin(turn.answered, CLOSE_MS))) return;
    place.retire();
    await connection.condemn();
  }

  #over(): void {
    this.#options.tools?.close();
    this.#options.onEnd();
  }

  #callTool(call: ToolCall): Promise<ToolResult> {
    const turn = this.#turn;
    if (turn === null || turn.ending.signal.aborted)
      return Promise.resolve({ isError: true, content: "no turn is running" });
    return turn.request.callTool({
      ...call,
      signal: AbortSignal.any([call.signal, turn.ending.signal]),
    });
  }

  report(update: Update): void {
    if (this.#replay !== null) {
      this.#replay.report(update);
      return;
    }
    this.#usage.report(update);
    const turn = this.#turn;
    if (turn === null) return; // between turns: notices, and what a cancelled turn still says
    turn.translator.translate(update);
    if (turn.translator.isFlooding)
      this.#options.place.connection.fail("it says more than any turn has to say");
  }

  permission(asked: PermissionAsked, withdrawn: AbortSignal): Promise<RequestPermissionResponse> {
    return this.#questions.answer(this.#turn, asked, withdrawn);
  }

  /** Found out late: before the project's first conversation nothing is known of its agent. */
  #takesNoImages(): TurnEnd {
    return {
      kind: "failed",
      code: "model_error",
      message: `${this.#options.title} takes no images; send text alone`,
      retryable: false,
      usage: NO_USAGE,
    };
  }

  #crashed(): TurnEnd {
    const { place, title } = this.#options;
    return {
      kind: "failed",
      code: "harness_crashed",
      message: `${title} ${place.connection.describeEnd()} in the middle of the turn; the next message starts it again`,
      retryable: true,
      usage: NO_USAGE,
    };
  }
}

function promptOf({ text, images }: TurnRequest): ContentBlock[] {
  return [
    ...images.map(({ mediaType, base64 }) => ({ type: "image" as const, mimeType: mediaType, data: base64 })),
    ...(text === "" ? [] : [{ type: "text" as const, text: asPlainText(text) }]),
  ];
}
