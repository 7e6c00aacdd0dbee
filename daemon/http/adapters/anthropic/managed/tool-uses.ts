/** The tools that a turn has used so far, and which of them an approval is asked for. */
import type { SessionEvent } from "../../../../../shared/events.ts";
import type { ManagedEvent } from "../../../../../shared/protocol/adapters/anthropic/events.ts";
import { mcpToolOf } from "../../mcp-tool.ts";
import { eventIdAt } from "./event-ids.ts";

type EventOf<T extends SessionEvent["type"]> = Extract<SessionEvent, { type: T }>;

interface Use {
  readonly eventId: string;
  /** The harness's own id. */
  readonly id: string;
  readonly tool: string;
}

/** What a client answers, and what it is shown to know what that is. */
export interface AskedFor {
  readonly eventId: string;
  readonly shown: readonly ManagedEvent[];
}

export class ToolUses {
  readonly #sessionId: string;
  readonly #uses: Use[] = [];

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  use(event: EventOf<"tool_use">): ManagedEvent {
    const { tool_use_id: id, tool_name: tool, tool_input: input } = event.data;
    const { eventId, common } = this.#named(event);
    this.#uses.push({ eventId, id, tool });
    return { ...common, ...callOf(tool), input: objectOf(input) };
  }

  result(event: EventOf<"tool_result">): ManagedEvent {
    const { tool_use_id, content, is_error } = event.data;
    const use = this.#uses.find(({ id }) => id === tool_use_id);
    const { common } = this.#named(event);
    const result = { ...common, content: [{ type: "text" as const, text: content }], is_error };
    const useId = use?.eventId ?? tool_use_id; // used before what is kept
    return use !== undefined && mcpToolOf(use.tool) !== null
      ? { ...result, type: "agent.mcp_tool_result", mcp_tool_use_id: useId }
      : { ...result, type: "agent.tool_result", tool_use_id: useId };
  }

  /**
   * The use that leave is asked for. One that was not seen (an agent may ask before it says that it calls, and older logs
   * do not name the use) is shown now: what a client allows must be what the agent is about to do.
   */
  askedFor(event: EventOf<"input_required">): AskedFor {
    const { tool_use_id, tool, tool_input } = event.data;
    const use = this.#uses.find(({ id }) => id === tool_use_id);
    if (use !== undefined) return { eventId: use.eventId, shown: [] };
    const { eventId, common } = this.#named(event);
    return {
      eventId,
      shown: [{ ...common, ...callOf(tool), input: objectOf(tool_input), evaluated_permission: "ask" }],
    };
  }

  /** A question is answered like a tool of the client's own: by its result. */
  question(event: EventOf<"input_required">): AskedFor {
    const { tool, tool_input } = event.data;
    const { eventId, common } = this.#named(event);
    const input = objectOf(tool_input);
    return { eventId, shown: [{ ...common, type: "agent.custom_tool_use", name: tool, input }] };
  }

  #named({ seq, timestamp }: SessionEvent): {
    eventId: string;
    common: { id: string; processed_at: string };
  } {
    const eventId = eventIdAt(this.#sessionId, seq);
    return { eventId, common: { id: eventId, processed_at: new Date(timestamp).toISOString() } };
  }
}

function callOf(
  tool: string,
):
  | { type: "agent.tool_use"; name: string }
  | { type: "agent.mcp_tool_use"; mcp_server_name: string; name: string } {
  const mcp = mcpToolOf(tool);
  return mcp === null
    ? { type: "agent.tool_use", name: tool }
    : { type: "agent.mcp_tool_use", mcp_server_name: mcp.server, name: mcp.name };
}

/** Clients expect an object, whatever the harness's tool takes. */
function objectOf(input: unknown): Record<string, unknown> {
  return typeof input === "object" && input !== null && !Array.isArray(input)
    ? Object.fromEntries(Object.entries(input))
    : { input };
}
