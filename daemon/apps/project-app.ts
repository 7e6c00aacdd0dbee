/** A project's app as its sessions see it: policies, hooks and tools, whatever becomes of the worker behind them. */
import type { Logger } from "pino";
import type { z } from "zod";
import type { ToolResult } from "../harness/harness.ts";
import type { AppEvent, InboundMessage } from "../sessions/app-events.ts";
import type { Admission, AppToolCall, SessionApp } from "../sessions/runtime.ts";
import type { AppCallOptions, CallKind, CallOutcome } from "./app-call.ts";
import type { AppLimits } from "./app-limits.ts";
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
  readonly #tools: ReadonlyMap<string, { readonly check: ToolArguments | null; readonly timeoutMs: number }>;
  /** Each session's newest event: the next waits for its hooks. */
  readonly #lastEvent = new Map<string, Promise<void>>();
  #pendingEvents = 0;

  constructor({ description, worker, secrets, logger, limits }: ProjectAppOptions) {
    this.#limits = limits;
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
    const outcome = await this.#call({ method: "admit", params: message, timeoutMs }, WORKER_RESULTS.admit);
    if (outcome.kind === "answered") {
      const { value } = outcome;
      if (value.decision === "allow") return { kind: "allow", text: value.text };
      this.#log.info({ session: message.session.id, policy: value.policy }, "a policy refused a message");
      return { kind: "refuse", message: value.message };
    }
    const why = this.#describe(outcome, timeoutMs);
    this.#log.error({ session: message.session.id }, `a policy failed, so the message was refused: ${why}`);
    return { kind: "failed" };
  }

  notify(event: AppEvent): void {
    const handlers = this.#description.handlers.flatMap((handler, index) =>
      handler.event === event.type ? [{ index, name: handler.name }] : [],
    );
    if (handlers.length === 0) return;
    const { id: session } = event.session;
    if (this.#pendingEvents >= MAX_PENDING_EVENTS) {
      this.#log.warn({ session, event: event.type }, "hooks are too far behind; an event was passed over");
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
    if (outcome.kind === "answered") return { isError: false, content: outcome.value.content };
    const why = this.#describe(outcome, timeoutMs);
    this.#log.warn({ session: session.id, tool: name }, `a tool failed: ${why}`);
    return failed(outcome.kind === "lost" ? "the app's code is not running just now; try again later" : why);
  }

  /** Resolves when nothing of its worker is left. */
  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  async #runHook(handler: { readonly index: number; readonly name: string }, event: AppEvent): Promise<void> {
    const params = { handler: handler.index, event };
    const { hookMs: timeoutMs } = this.#limits;
    const outcome = await this.#call({ method: "event", params, timeoutMs }, WORKER_RESULTS.event);
    if (outcome.kind === "answered") return;
    this.#log.warn(
      { session: event.session.id, event: event.type, hook: handler.name },
      `a hook failed: ${this.#describe(outcome, timeoutMs)}`,
    );
  }

  async #call<M extends CallKind, T>(
    options: AppCallOptions<M>,
    result: z.ZodType<T>,
  ): Promise<CallOutcome<T>> {
    const outcome = await this.#worker.call(options);
    if (outcome.kind !== "answered") return outcome;
    const value = result.safeParse(outcome.value);
    return value.success
      ? { kind: "answered", value: value.data }
      : { kind: "failed", message: "it gave back what a policy, hook or tool may not" };
  }

  #describe(outcome: Exclude<CallOutcome<never>, { kind: "answered" }>, timeoutMs: number): string {
    switch (outcome.kind) {
      case "failed":
        return redactValues(outcome.message, this.#secrets);
      case "timed_out":
        return `it took longer than ${timeoutMs / 1000} seconds`;
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
