/** One conversation on an agent's connection: its turns, its permissions, its end. */
import { methods, type ContentBlock, type RequestPermissionResponse } from "@agentclientprotocol/sdk";
import type { Logger } from "pino";
import type { ManagedProcess } from "../../process/process.ts";
import { NO_USAGE, type AgentProcess, type LaunchSpec, type TurnEnd, type TurnRequest } from "../harness.ts";
import type { ConversationEars } from "./connection.ts";
import {
  MAX_OPEN_QUESTIONS,
  permissionAnswer,
  PermissionRules,
  questionOf,
  type PermissionAsked,
} from "./permission.ts";
import type { Place } from "./shared-connections.ts";
import { TurnTranslator } from "./translate.ts";
import { answeredEnd, refusedEnd } from "./turn-end.ts";
import type { Update } from "./updates.ts";
import { UsageMeter } from "./usage.ts";

export interface ConversationOptions {
  /** Given back when the conversation ends. */
  readonly place: Place;
  readonly threadId: string;
  readonly isNew: boolean;
  readonly launch: LaunchSpec;
  /** Whether its tokens cost money. */
  readonly priced: boolean;
  /** What the agent is called, for people. */
  readonly title: string;
  readonly logger: Logger;
}

/** The turn in hand. */
interface RunningTurn {
  readonly request: TurnRequest;
  readonly translator: TurnTranslator;
  /** Fires when its end was asked for: what it asks is withdrawn. */
  readonly ending: AbortController;
  openQuestions: number;
}

/** Owner: the pool. Freed by `stop()`, or by the process's own death. */
export class Conversation implements AgentProcess, ConversationEars {
  readonly threadId: string;
  readonly #options: ConversationOptions;
  readonly #rules: PermissionRules;
  readonly #usage: UsageMeter;
  #turn: RunningTurn | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.threadId = options.threadId;
    this.#rules = new PermissionRules(options.launch);
    this.#usage = new UsageMeter(options);
    options.place.connection.listen(options.threadId, this);
  }

  get process(): ManagedProcess {
    return this.#options.place.connection.process;
  }

  async run(request: TurnRequest): Promise<TurnEnd> {
    const { connection } = this.#options.place;
    if (this.#turn !== null) throw new Error("a conversation runs one turn at a time");
    if (this.#stopping !== null || !connection.isOpen()) return this.#crashed();
    if (request.images.length > 0 && connection.traits?.takesImages !== true) return this.#takesNoImages();
    const translator = new TurnTranslator(request.emit);
    const turn: RunningTurn = { request, translator, ending: new AbortController(), openQuestions: 0 };
    this.#turn = turn;
    this.#usage.begin();
    try {
      const answer: unknown = await connection.agent.request(methods.agent.session.prompt, {
        sessionId: this.threadId,
        prompt: promptOf(request),
      });
      translator.end();
      return answeredEnd(answer, this.#usage.end(answer), turn.ending.signal.aborted);
    } catch (error) {
      translator.end();
      if (connection.isOpen()) return refusedEnd(error, this.#usage.end(null), turn.ending.signal.aborted);
      await this.process.exited;
      return turn.ending.signal.aborted ? { kind: "cancelled", usage: NO_USAGE } : this.#crashed();
    } finally {
      turn.ending.abort(); // a question that outlived its turn
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

  async #stop(): Promise<void> {
    const { connection } = this.#options.place;
    if (this.#turn !== null) {
      // It was asked to cancel and did not: what it does now, nobody wants, and there is no other way to end it.
      this.#turn.ending.abort();
      await connection.stop();
    } else if (connection.isOpen() && connection.traits?.canClose) {
      await connection.agent
        .request(methods.agent.session.close, { sessionId: this.threadId }, closeLimit())
        .catch((error: unknown) =>
          this.#options.logger.debug({ err: error }, "a conversation was not closed"),
        );
    }
    connection.forget(this.threadId);
    await this.#options.place.release();
  }

  report(update: Update): void {
    this.#usage.report(update);
    const turn = this.#turn;
    if (turn === null) return; // between turns: notices, and what a cancelled turn still says
    turn.translator.translate(update);
    if (turn.translator.isFlooding)
      this.#options.place.connection.fail("it says more than any turn has to say");
  }

  async permission(asked: PermissionAsked, withdrawn: AbortSignal): Promise<RequestPermissionResponse> {
    const turn = this.#turn;
    if (turn === null || turn.ending.signal.aborted || turn.openQuestions >= MAX_OPEN_QUESTIONS)
      return permissionAnswer(asked, "cancelled");
    turn.openQuestions += 1;
    try {
      return await this.#decide(turn, asked, AbortSignal.any([withdrawn, turn.ending.signal]));
    } finally {
      turn.openQuestions -= 1;
    }
  }

  async #decide(
    turn: RunningTurn,
    asked: PermissionAsked,
    signal: AbortSignal,
  ): Promise<RequestPermissionResponse> {
    const call = await turn.translator.asked(asked.toolCall);
    if (signal.aborted) return permissionAnswer(asked, "cancelled");
    switch (this.#rules.verdict(call, asked.toolCall)) {
      case "allow":
        return permissionAnswer(asked, "allow");
      case "deny":
        return permissionAnswer(asked, "deny");
      case "ask":
        break;
    }
    const decision = await turn.request.decide(questionOf(call, asked.toolCall, signal));
    if (isAborted(signal)) return permissionAnswer(asked, "cancelled");
    if (decision.kind === "allow" && decision.scope === "session") this.#rules.approve(call, asked.toolCall);
    return permissionAnswer(asked, decision.kind);
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

/** Asked again, after a wait. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** An agent that does not answer must not hold up whoever ends the conversation. */
function closeLimit(): { cancellationSignal: AbortSignal; stopWaitingOnCancel: true } {
  return { cancellationSignal: AbortSignal.timeout(2000), stopWaitingOnCancel: true };
}

/**
 * Agents take a text that begins with "/" for a command of their operator's, and swallow one that they do not know
 * (OpenCode 1.18, which trims spaces first). What an end user writes is only ever text: a character of no width before
 * it keeps it so.
 */
function asPlainText(text: string): string {
  return text.trimStart().startsWith("/") ? `\u200b${text.trimStart()}` : text;
}
