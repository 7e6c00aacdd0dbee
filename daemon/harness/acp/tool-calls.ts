/** The tool calls of one turn: an agent tells a call piece by piece, and a client hears of it once, with its input. */
import type { HarnessEvent } from "../harness.ts";
import { textOfContent, type ToolCall, type ToolContent } from "./updates.ts";

/** What is known of a call so far. */
export interface KnownCall {
  readonly id: string;
  /** The tool's name, as well as the agent tells it. */
  readonly name: string;
  readonly kind: string | null;
  readonly input: unknown;
}

interface Tracked {
  call: ToolCall;
  readonly name: string;
  told: "nothing" | "use" | "result";
}

/** An agent may ask for leave before it tells what for (OpenCode with an MCP tool: ten milliseconds before). */
const INPUT_GRACE_MS = 250;

/** More calls at once than any honest turn has; the oldest are forgotten first. */
const MAX_TRACKED = 1000;

export class ToolCalls {
  readonly #emit: (event: HarnessEvent) => void;
  readonly #calls = new Map<string, Tracked>();
  /** By call: who waits for its input. */
  readonly #waiting = new Map<string, () => void>();

  constructor(emit: (event: HarnessEvent) => void) {
    this.#emit = emit;
  }

  /** A call, or a change of one. Its use is told once its input is there: not while it is still being written. */
  update(change: ToolCall): void {
    const tracked = this.#track(change);
    const { status } = tracked.call;
    if (status === "pending" && isEmpty(tracked.call.rawInput)) return;
    this.#tellUse(tracked);
    if (status === "completed" || status === "failed") this.#tellResult(tracked);
  }

  /** What is known of a call that a permission is asked for, its input included; its use is told now. */
  async asked(change: ToolCall): Promise<KnownCall> {
    const known = this.#calls.get(change.toolCallId);
    // The question has its own title and input, which say less than the call does.
    const tracked = known ?? this.#track(change);
    if (isEmpty(tracked.call.rawInput)) await this.#input(change.toolCallId);
    this.#tellUse(tracked);
    const { call, name } = tracked;
    return { id: call.toolCallId, name, kind: call.kind ?? null, input: inputOf(call) };
  }

  /** Something else is said next, or the turn is over: what was begun is told now, so that the order holds. */
  flush(): void {
    for (const tracked of this.#calls.values()) this.#tellUse(tracked);
  }

  /** Resolves when the call's input was told, or was waited for long enough: a tool may have none. */
  #input(id: string): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(settle, INPUT_GRACE_MS);
      this.#waiting.set(id, settle);
    });
  }

  #track(change: ToolCall): Tracked {
    const known = this.#calls.get(change.toolCallId);
    if (known !== undefined) {
      known.call = merge(known.call, change);
      if (!isEmpty(known.call.rawInput)) this.#waiting.get(change.toolCallId)?.();
      return known;
    }
    const tracked: Tracked = { call: change, name: nameOf(change), told: "nothing" };
    this.#calls.set(change.toolCallId, tracked);
    const oldest = this.#calls.size > MAX_TRACKED ? this.#calls.keys().next().value : undefined;
    if (oldest !== undefined) this.#calls.delete(oldest);
    return tracked;
  }

  #tellUse(tracked: Tracked): void {
    if (tracked.told !== "nothing") return;
    tracked.told = "use";
    const { call, name } = tracked;
    this.#emit({ type: "tool_use", id: call.toolCallId, name, input: inputOf(call) });
  }

  #tellResult(tracked: Tracked): void {
    if (tracked.told === "result") return;
    tracked.told = "result";
    const { call } = tracked;
    this.#emit({
      type: "tool_result",
      id: call.toolCallId,
      isError: call.status === "failed",
      content: resultText(call),
    });
  }
}

/** A change's fields replace those before; what it leaves out stays. */
function merge(call: ToolCall, change: ToolCall): ToolCall {
  const given = Object.entries(change).filter(([, value]) => value !== null && value !== undefined);
  return { ...call, ...Object.fromEntries(given), toolCallId: call.toolCallId };
}

/** Newer agents name the tool; older ones have its name for the first title, or a sentence, which is no name. */
function nameOf({ name, title, kind }: ToolCall): string {
  if (name) return name;
  if (title && /^[\w.:/-]{1,64}$/.test(title)) return title;
  return kind ?? "tool";
}

function inputOf({ rawInput, title }: ToolCall): unknown {
  return rawInput ?? (title ? { title } : {});
}

function isEmpty(input: unknown): boolean {
  return (
    input === undefined || input === null || (typeof input === "object" && Object.keys(input).length === 0)
  );
}

function resultText({ content, rawOutput }: ToolCall): string {
  const text = (content ?? []).map(toolContentText).filter((part) => part !== "");
  if (text.length > 0) return text.join("\n");
  if (typeof rawOutput === "string") return rawOutput;
  return rawOutput === undefined || rawOutput === null ? "" : JSON.stringify(rawOutput);
}

function toolContentText(part: ToolContent): string {
  if ("content" in part && part.type === "content")
    return isContent(part.content) ? textOfContent(part.content) : "";
  return "path" in part && typeof part.path === "string" ? `[${part.type}: ${part.path}]` : `[${part.type}]`;
}

function isContent(value: unknown): value is { type: string } {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
