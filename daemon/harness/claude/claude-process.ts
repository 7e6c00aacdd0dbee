/** One live Claude Code process: a streaming-input query of the Agent SDK, one turn at a time. */
import type { UUID } from "node:crypto";
import type {
  CanUseTool,
  PermissionResult,
  Query,
  SDKMessage,
  SDKUserMessage,
  WarmQuery,
} from "@anthropic-ai/claude-agent-sdk";
import type { Logger } from "pino";
import { describeExit, type ManagedProcess } from "../../process/process.ts";
import {
  NO_USAGE,
  type AgentProcess,
  type ToolCall,
  type ToolResult,
  type TurnEnd,
  type TurnRequest,
} from "../harness.ts";
import { logContext, withLogContext, type LogContext } from "../../log/context.ts";
import type { LastWords } from "../../process/last-words.ts";
import { Inbox } from "./inbox.ts";
import { uuidOf } from "./message-ids.ts";
import { contentOf } from "./message-content.ts";
import { QUESTION_TOOL, readQuestion } from "./question.ts";
import { TurnTranslator } from "./translate.ts";
import { isAuthStatus, modelAuthFailure, turnEnd } from "./turn-end.ts";
import { UsageMeter } from "./usage.ts";

/** The turn in hand. `cancelled`: Karta asked for its end. `refused`: the model's service refused the credential. */
interface RunningTurn {
  readonly request: TurnRequest;
  /** Names its message: the result that answers it carries it. */
  readonly uuid: UUID;
  readonly translator: TurnTranslator;
  readonly end: (end: TurnEnd) => void;
  /** Whose lines the child's are meanwhile. */
  readonly logContext: LogContext;
  ending: "no" | "cancelled" | "refused";
}

/** Owner: the pool. Freed by `stop()`, or by the child's own death. */
export class ClaudeProcess implements AgentProcess {
  readonly process: ManagedProcess;
  readonly threadId: string;
  readonly #query: Query;
  readonly #inbox = new Inbox<SDKUserMessage>();
  readonly #usage: UsageMeter;
  readonly #log: Logger;
  readonly #words: LastWords;
  /** Whose its lines are when no turn runs. */
  readonly #between: LogContext;
  #turn: RunningTurn | null = null;
  #over = false;
  #isStopping = false;

  constructor(options: {
    warm: WarmQuery;
    process: ManagedProcess;
    /** What it printed last on standard error. */
    words: LastWords;
    project: string;
    threadId: string;
    /** Whether its tokens cost money. */
    priced: boolean;
    logger: Logger;
  }) {
    this.process = options.process;
    this.threadId = options.threadId;
    this.#usage = new UsageMeter({ priced: options.priced });
    this.#log = options.logger;
    this.#words = options.words;
    this.#between = { project: options.project };
    this.#query = options.warm.query(this.#inbox);
    withLogContext(this.#between, () => void this.#read()); // longer than the turn that it was started for
  }

  /** Whose work it does now. */
  get logContext(): LogContext {
    return this.#turn?.logContext ?? this.#between;
  }

  get isOpen(): boolean {
    return !this.#over && !this.#isStopping;
  }

  run(request: TurnRequest): Promise<TurnEnd> {
    if (this.#over) return Promise.resolve(this.#crashed());
    if (this.#turn !== null) throw new Error("a Claude Code process runs one turn at a time");
    const uuid = uuidOf(request.messageId);
    return new Promise((resolve) => {
      this.#turn = {
        request,
        uuid,
        translator: new TurnTranslator(request.emit),
        end: resolve,
        logContext: logContext(),
        ending: "no",
      };
      this.#inbox.push({
        type: "user",
        uuid,
        message: { role: "user", content: contentOf(request) },
        parent_tool_use_id: null,
      });
    });
  }

  async cancel(): Promise<void> {
    if (this.#turn === null) return;
    if (this.#turn.ending === "no") this.#turn.ending = "cancelled";
    await this.#interrupt();
  }

  /** A process holds one conversation and is offered no other. */
  retire(): void {
    return;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#inbox.close();
    await this.process.stop();
  }

  /** The SDK's permission callback. */
  readonly canUseTool: CanUseTool = async (tool, input, asked): Promise<PermissionResult> => {
    const turn = this.#turn;
    if (turn === null) return { behavior: "deny", message: "no turn is running" };
    const question = tool === QUESTION_TOOL ? readQuestion(input) : null;
    const decision = await turn.request.decide({
      toolUseId: asked.toolUseID,
      kind: question === null ? "tool_use" : "question",
      tool,
      input,
      message: question?.text ?? asked.title ?? asked.description ?? `Use ${tool}?`,
      options: question?.options ?? [],
      signal: asked.signal,
    });
    if (decision.kind === "deny") return { behavior: "deny", message: decision.message };
    return {
      behavior: "allow",
      updatedInput: decision.answers === null ? input : { ...input, answers: decision.answers },
      ...(decision.scope === "session" && asked.suggestions ? { updatedPermissions: asked.suggestions } : {}),
    };
  };

  /** What the app's tool server is asked for: only a turn can say who calls. */
  readonly callTool = (call: ToolCall): Promise<ToolResult> =>
    this.#turn?.request.callTool(call) ?? Promise.resolve({ isError: true, content: "no turn is running" });

  async #read(): Promise<void> {
    try {
      for await (const message of this.#query) this.#receive(message);
    } catch (error) {
      this.#log.debug({ err: error }, "the Agent SDK's stream ended with an error");
    }
    this.#over = true;
    this.#inbox.close();
    if (this.#turn === null) return;
    await this.process.exited;
    if (this.#turn.ending === "no") this.#tellDeath(this.#turn);
    this.#finish(
      this.#turn.ending === "cancelled" ? { kind: "cancelled", usage: NO_USAGE } : this.#crashed(),
    );
  }

  #receive(message: SDKMessage): void {
    const turn = this.#turn;
    if (turn === null) return; // between turns: background notices
    if (message.type === "result") {
      // Claude Code also takes turns of its own (a subagent's end wakes it): their results are not this turn's end.
      if (message.user_message_uuids?.includes(turn.uuid) === false) return;
      const usage = this.#usage.read(message.modelUsage);
      this.#finish(
        turn.ending === "refused"
          ? modelAuthFailure(usage)
          : turnEnd(message, usage, turn.ending === "cancelled"),
      );
      return;
    }
    // The harness would try a refused key ten times over three minutes; the first refusal is the answer.
    if (message.type === "system" && message.subtype === "api_retry" && isAuthStatus(message.error_status)) {
      if (turn.ending === "no") turn.ending = "refused";
      void this.#interrupt();
    }
    turn.translator.translate(message);
  }

  async #interrupt(): Promise<void> {
    try {
      await this.#query.interrupt();
    } catch (error) {
      this.#log.debug({ err: error }, "interrupt was not answered; ending the process");
      await this.process.stop();
    }
  }

  #finish(end: TurnEnd): void {
    const turn = this.#turn;
    this.#turn = null;
    turn?.end(end);
  }

  #tellDeath({ logContext: context }: RunningTurn): void {
    const { exit, pid } = this.process;
    const how = exit === null ? "ended its stream" : describeExit(exit);
    withLogContext(context, () =>
      this.#log.warn({ pid, stderr: this.#words.text }, `Claude Code ${how} in the middle of a turn`),
    );
  }

  #crashed(): TurnEnd {
    const exit = this.process.exit;
    return {
      kind: "failed",
      code: "harness_crashed",
      message: `Claude Code ${exit === null ? "ended its stream" : describeExit(exit)} in the middle of the turn; the next message starts it again`,
      retryable: true,
      usage: NO_USAGE,
    };
  }
}
