/** A project's app as its sessions see it: policies, hooks and tools, whatever becomes of the worker behind them. */
import type { Logger } from "pino";
import type { z } from "zod";
import { issuesFromZod } from "../../shared/errors.ts";
import type { AppWorkerStatus } from "../../shared/protocol/apps.ts";
import type { ToolResult } from "../harness/harness.ts";
import type { AppEvent, InboundMessage } from "../sessions/app-events.ts";
import type { Admission, AppToolCall, SessionApp } from "../sessions/runtime.ts";
import type { AppCallOptions, CallKind, CallOutcome } from "./app-call.ts";
import type { AppLimits } from "./app-limits.ts";
import { appStatus } from "./app-status.ts";
import type { AppTally } from "./app-tally.ts";
import type { AppWorker } from "./app-worker.ts";
import type { AppDescription } from "./protocol.ts";
import { redactValues } from "./redact-values.ts";
import { ToolArguments } from "./tool-arguments.ts";
import { WORKER_RESULTS } from "./worker-protocol.ts";

export interface ProjectAppOptions {
  readonly description: AppDescription;
  readonly worker: AppWorker;
  /** Kept out of the log and of what the agent is told. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly logger: Logger;
  readonly limits: AppLimits;
  readonly tally: AppTally;
}

/** Events whose hooks have not all run; more are passed over. */
const MAX_PENDING_EVENTS = 1024;

/** Owner: `Apps`. */
export class ProjectApp implements SessionApp {
  readonly #description: AppDescription;
  readonly #worker: AppWorker;
  readonly #secrets: Readonly<Record<string, string>>;
  readonly #log: Logger;
  readonly #limits: AppLimits;
  readonly #tally: AppTally;
  readonly #tools: ReadonlyMap<string, { readonly check: ToolArguments | null; readonly timeoutMs: number }>;
  /** Each session's newest event: the next waits for its hooks. */
  readonly #lastEvent = new Map<string, Promise<void>>();
  #pendingEvents = 0;

  constructor({ description, worker, secrets, logger, limits, tally }: ProjectAppOptions) {
    this.#limits = limits;
    this.#tally = tally;
    this.#description = description;
    this.#worker = worker;
    this.#secrets = secrets;
    this.#log = logger;
    this.#tools = new Map(
      description.tools.map(({ name, input_schema, timeout_seconds }) => {
        const read = ToolArguments.of(input_schema);
        return [
          name,
          { check: read.kind === "arguments" ? read.arguments : null, timeoutMs: timeout_seconds * 1000 },
        ];
      }),
    );
  }

  get hasPolicies(): boolean {
    return this.#description.policies.length > 0;
  }

  async admit(message: InboundMessage): Promise<Admission> {
    const { admitMs: timeoutMs } = this.#limits;
    // Right after `project add`, or a start of kartad, an import that takes long would refuse what is allowed.
    await this.#worker.firstStart;
    const outcome = await this.#call({ method: "admit", params: message, timeoutMs }, WORKER_RESULTS.admit);
    if (outcome.kind === "answered") {
      const { value } = outcome;
      if (value.decision === "allow") return { kind: "allow", text: value.text };
      this.#log.info({ session_id: message.session.id, policy: value.policy }, "a policy refused a message");
      return { kind: "refuse", message: value.message };
    }
    const why = this.#describe(outcome, timeoutMs);
    this.#log.error(
      { session_id: message.session.id },
      `a policy failed, so the message was refused: ${why}`,
    );
    this.#tally.failed(`a policy failed, so a message was refused: ${why}`);
    return { kind: "failed" };
  }

  notify(event: AppEvent): void {
    const handlers = this.#description.handlers.flatMap((handler, index) =>
      handler.event === event.type ? [{ index, name: handler.name }] : [],
    );
    if (handlers.length === 0) return;
    const { id: session } = event.session;
    if (this.#pendingEvents >= MAX_PENDING_EVENTS) {
      this.#log.warn(
        { session_id: session, event: event.type },
        "hooks are too far behind; an event was passed over",
      );
      return;
    }
    this.#pendingEvents += 1;
    const mine = (this.#lastEvent.get(session) ?? Promise.resolve()).then(async () => {
      await Promise.all(handlers.map((handler) => this.#runHook(handler, event)));
      this.#pendingEvents -= 1;
      if (this.#lastEvent.get(session) === mine) this.#lastEvent.delete(session);
    });
    this.#lastEvent.set(session, mine);
  }

  async callTool({ name, input, session, turnId, signal }: AppToolCall): Promise<ToolResult> {
    const tool = this.#tools.get(name);
    if (tool === undefined) return failed(`there is no tool ${name} any more`);
    const problem = tool.check === null ? "its schema cannot be read" : tool.check.problem(input);
    if (problem !== null) return failed(`the arguments are not valid: ${problem}`);
    const params = { name, arguments: input, session, turn_id: turnId };
    const { timeoutMs } = tool;
    const outcome = await this.#call({ method: "tool", params, timeoutMs, signal }, WORKER_RESULTS.tool);
    if (outcome.kind === "answered") {
      const { content, is_error: isError = false } = outcome.value;
      return isError ? failed(redactValues(content, this.#secrets)) : { isError, content };
    }
    const why = this.#describe(outcome, timeoutMs);
    if (outcome.kind === "cancelled") this.#log.debug({ session_id: session.id, tool: name }, why);
    else {
      this.#log.warn({ session_id: session.id, tool: name }, `a tool failed: ${why}`);
      this.#tally.failed(`the tool ${name} failed: ${why}`);
    }
    return failed(outcome.kind === "lost" ? "the app's code is not running just now; try again later" : why);
  }

  status(): AppWorkerStatus {
    return appStatus(this.#worker, this.#tally);
  }

  /** Resolves when nothing of its worker is left. */
  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  async #runHook(handler: { readonly index: number; readonly name: string }, event: AppEvent): Promise<void> {
    const params = { handler: handler.index, event };
    const { hookMs: timeoutMs } = this.#limits;
    await this.#worker.firstStart;
    const outcome = await this.#call({ method: "event", params, timeoutMs }, WORKER_RESULTS.event);
    if (outcome.kind === "answered") return;
    const why = this.#describe(outcome, timeoutMs);
    this.#log.warn(
      { session_id: event.session.id, event: event.type, hook: handler.name },
      `a hook failed: ${why}`,
    );
    this.#tally.failed(`the hook ${handler.name} of ${event.type} failed: ${why}`);
  }

  async #call<M extends CallKind, T>(
    options: AppCallOptions<M>,
    result: z.ZodType<T>,
  ): Promise<CallOutcome<T>> {
    const outcome = this.#read(await this.#worker.call(options), result);
    this.#tally.ended(options.method, outcome.kind);
    return outcome;
  }

  #read<T>(outcome: CallOutcome<unknown>, result: z.ZodType<T>): CallOutcome<T> {
    if (outcome.kind !== "answered") return outcome;
    const value = result.safeParse(outcome.value);
    if (value.success) return { kind: "answered", value: value.data };
    const [issue] = issuesFromZod(value.error, 1);
    const what = issue === undefined ? "" : `: ${issue.path} ${issue.message}`;
    return { kind: "failed", message: `it gave back what it may not${what}` };
  }

  #describe(outcome: Exclude<CallOutcome<never>, { kind: "answered" }>, timeoutMs: number): string {
    switch (outcome.kind) {
      case "failed":
        return redactValues(outcome.message, this.#secrets);
      case "timed_out":
        return `it took longer than ${timeoutMs / 1000} second${timeoutMs === 1000 ? "" : "s"}`;
      case "cancelled":
        return "the turn was cancelled";
      case "lost":
        return `the app's worker is not there: ${redactValues(outcome.detail, this.#secrets)}`;
    }
  }
}

function failed(content: string): ToolResult {
  return { isError: true, content };
}
