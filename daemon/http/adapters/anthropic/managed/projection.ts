/**
 * A session's log as the events of Anthropic's Managed Agents. Pure: one projection reads a session's events in order and
 * gives what they become. What it gives for an event depends on those before it, but never on more than the turns that
 * have not ended: where none is open it may begin anew.
 */
import type { EventData, SessionEvent } from "../../../../../shared/events.ts";
import type { SessionAgent } from "../../../../../shared/protocol/adapters/anthropic/agents.ts";
import type {
  IdleReason,
  ManagedEvent,
  Preview,
} from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import { eventIdAt, interruptIdOf } from "./event-ids.ts";
import { errorOf } from "./session-error.ts";
import { ToolUses } from "./tool-uses.ts";

type Terminal = Extract<SessionEvent, { type: "done" | "error" }>;
export type Projected = ManagedEvent | Preview;

/** What the agent says, piece by piece: it becomes one event when something else comes. */
interface Run {
  readonly type: "agent.message" | "agent.thinking";
  readonly id: string;
  text: string;
  at: number;
}

/** Something that a turn waits for. */
export interface Awaited {
  readonly requestId: string;
  readonly kind: "tool_use" | "question";
  /** A question's input, as its harness gave it. */
  readonly input: unknown;
}

export class ManagedProjection {
  readonly #sessionId: string;
  readonly #agentOf: (name: string) => SessionAgent;
  /** Turns that were accepted and have not ended. */
  readonly #open = new Set<string>();
  /** The one of them that runs. */
  #turn: string | null = null;
  #run: Run | null = null;
  #tools: ToolUses;
  /** By the id of the event that a client answers. */
  readonly #awaited = new Map<string, Awaited>();

  /** @param options.agentOf an agent of the session's project, as this API shows it */
  constructor(options: { readonly sessionId: string; readonly agentOf: (name: string) => SessionAgent }) {
    this.#sessionId = options.sessionId;
    this.#agentOf = options.agentOf;
    this.#tools = new ToolUses(options.sessionId);
  }

  /** No turn is open: a projection that begins after the last event gives the same from here on. */
  get isAtRest(): boolean {
    return this.#open.size === 0;
  }

  /** What waits for a client's answer. */
  awaited(eventId: string): Awaited | null {
    return this.#awaited.get(eventId) ?? null;
  }

  add(event: SessionEvent): Projected[] {
    switch (event.type) {
      case "message":
        return this.#message(event);
      case "done":
      case "error":
        return [...this.#begin(event), ...this.#end(event)];
      case "text":
        return [...this.#begin(event), ...this.#say("agent.message", event, event.data.part.text)];
      case "reasoning":
        return [...this.#begin(event), ...this.#say("agent.thinking", event, "")];
      case "tool_use":
        return [...this.#begin(event), ...this.#closeRun(), this.#tools.use(event)];
      case "tool_result":
        return [...this.#begin(event), ...this.#closeRun(), this.#tools.result(event)];
      case "step_start":
      case "step_finish":
        return [...this.#begin(event), ...this.#closeRun()];
      case "input_required":
        return [...this.#begin(event), ...this.#closeRun(), ...this.#ask(event)];
      case "input_resolved":
        return [...this.#begin(event), ...this.#resolve(event)];
      case "agent_handoff":
        return [{ ...this.#at(event), type: "session.updated", agent: this.#agentOf(event.data.to) }];
      case "system":
        return [];
    }
  }

  #at({ seq, timestamp }: SessionEvent): { id: string; processed_at: string } {
    return { id: eventIdAt(this.#sessionId, seq), processed_at: timeOf(timestamp) };
  }

  /** Some events of the log become several: those after the first are named after what they say. */
  #status(event: SessionEvent, name: string): { id: string; processed_at: string } {
    const { id, processed_at } = this.#at(event);
    return { id: `${id}_${name}`, processed_at };
  }

  #message(event: Extract<SessionEvent, { type: "message" }>): Projected[] {
    const wasAtRest = this.isAtRest;
    if (event.turn_id !== null) this.#open.add(event.turn_id);
    return [
      { ...this.#at(event), type: "user.message", content: [{ type: "text", text: event.data.text }] },
      ...(wasAtRest ? [this.#running(event)] : []),
    ];
  }

  /** The event's turn is the one that runs. Its message may be no longer kept. */
  #begin(event: SessionEvent): Projected[] {
    const { turn_id } = event;
    if (turn_id === null || this.#turn === turn_id) return [];
    const wasAtRest = this.isAtRest;
    this.#open.add(turn_id);
    // A turn that was withdrawn while it waited has an end, and never ran.
    if (event.type !== "done" && event.type !== "error") this.#turn = turn_id;
    return wasAtRest ? [this.#running(event)] : [];
  }

  #running(event: SessionEvent): ManagedEvent {
    return { ...this.#status(event, "running"), type: "session.status_running" };
  }

  #idle(event: SessionEvent, stop_reason: IdleReason): ManagedEvent {
    return { ...this.#status(event, "idle"), type: "session.status_idle", stop_reason, stop_details: null };
  }

  #say(type: Run["type"], event: SessionEvent, text: string): Projected[] {
    const current = this.#run?.type === type ? this.#run : null;
    const run = current ?? { type, id: this.#at(event).id, text: "", at: event.timestamp };
    const started: Projected[] =
      current === null ? [...this.#closeRun(), { type: "event_start", event: { type, id: run.id } }] : [];
    this.#run = run;
    run.text += text;
    run.at = event.timestamp;
    if (type === "agent.thinking") return started;
    const content = { type: "text" as const, text };
    return [
      ...started,
      { type: "event_delta", event_id: run.id, delta: { type: "content_delta", index: 0, content } },
    ];
  }

  #closeRun(): Projected[] {
    const run = this.#run;
    if (run === null) return [];
    this.#run = null;
    const common = { id: run.id, processed_at: timeOf(run.at) };
    switch (run.type) {
      case "agent.thinking":
        return [{ ...common, type: run.type }];
      case "agent.message":
        return [{ ...common, type: run.type, content: [{ type: "text", text: run.text }] }];
    }
  }

  #ask(event: Extract<SessionEvent, { type: "input_required" }>): Projected[] {
    const { request_id: requestId, kind, tool_input: input } = event.data;
    const { eventId, shown } =
      kind === "question" ? this.#tools.question(event) : this.#tools.askedFor(event);
    this.#awaited.set(eventId, { requestId, kind, input });
    return [...shown, this.#idle(event, this.#requiresAction())];
  }

  #requiresAction(): IdleReason {
    return { type: "requires_action", event_ids: [...this.#awaited.keys()] };
  }

  #resolve(event: Extract<SessionEvent, { type: "input_resolved" }>): Projected[] {
    const { request_id, decision } = event.data;
    const found = [...this.#awaited].find(([, { requestId }]) => requestId === request_id);
    if (found === undefined) return []; // it was asked before what is kept
    const [eventId, { kind }] = found;
    this.#awaited.delete(eventId);
    return [
      { ...this.#at(event), ...answerOf(kind, eventId, decision) },
      this.#awaited.size > 0 ? this.#idle(event, this.#requiresAction()) : this.#running(event),
    ];
  }

  #end(event: Terminal): Projected[] {
    const { turn_id } = event;
    const said: Projected[] = [];
    if (turn_id !== null && turn_id === this.#turn) {
      said.push(...this.#closeRun());
      this.#tools = new ToolUses(this.#sessionId);
      this.#awaited.clear();
      this.#turn = null;
    }
    if (turn_id !== null) this.#open.delete(turn_id);
    return [...said, ...this.#why(event), ...(this.isAtRest ? [this.#idle(event, idleReason(event))] : [])];
  }

  #why(event: Terminal): ManagedEvent[] {
    if (event.type === "error")
      return [{ ...this.#at(event), type: "session.error", error: errorOf(event.data) }];
    if (event.data.status === "completed" || event.turn_id === null) return [];
    const id = interruptIdOf(this.#sessionId, event.turn_id);
    return [{ id, type: "user.interrupt", processed_at: timeOf(event.timestamp) }];
  }
}

function idleReason({ type }: Terminal): IdleReason {
  return { type: type === "error" ? "retries_exhausted" : "end_turn" };
}

function answerOf(
  kind: Awaited["kind"],
  eventId: string,
  decision: EventData<"input_resolved">["decision"],
):
  | { type: "user.custom_tool_result"; custom_tool_use_id: string; is_error: boolean }
  | { type: "user.tool_confirmation"; tool_use_id: string; result: "allow" | "deny" } {
  const isDenied = decision === "deny";
  switch (kind) {
    case "question":
      return { type: "user.custom_tool_result", custom_tool_use_id: eventId, is_error: isDenied };
    case "tool_use":
      return { type: "user.tool_confirmation", tool_use_id: eventId, result: isDenied ? "deny" : "allow" };
  }
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}
