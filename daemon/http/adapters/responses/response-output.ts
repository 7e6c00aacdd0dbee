/** A response's items as they grow: what a turn says and does becomes items, and the events that tell of them. */
import type { EventData } from "../../../../shared/events.ts";
import type { ResponseEvent } from "../../../../shared/protocol/adapters/responses-events.ts";
import type { OutputItem, OutputText } from "../../../../shared/protocol/adapters/responses-object.ts";
import { mcpToolOf } from "../mcp-tool.ts";
import { outputItemId } from "./ids.ts";

/** An event before it has its number. */
export type Unnumbered = ResponseEvent extends infer E
  ? E extends ResponseEvent
    ? Omit<E, "sequence_number">
    : never
  : never;

type ItemOf<T extends OutputItem["type"]> = Extract<OutputItem, { type: T }>;

/** Text that still grows: the message, or the reasoning, that the newest delta went to. */
interface OpenText {
  readonly type: "message" | "reasoning";
  readonly id: string;
  readonly index: number;
  text: string;
}

interface OpenCall {
  readonly index: number;
  readonly item: ItemOf<"mcp_call">;
}

/** The agent's own tools belong to no server; OpenAI's form wants one. */
const OWN_TOOLS = "karta";

const outputText = (text: string): OutputText => ({
  type: "output_text",
  text,
  annotations: [],
  logprobs: [],
});

/** Pure: one a reading of the turn. Holds the turn's output once. */
export class ResponseOutput {
  readonly #responseId: string;
  readonly #items: OutputItem[] = [];
  readonly #calls = new Map<string, OpenCall>();
  #text: OpenText | null = null;

  constructor(responseId: string) {
    this.#responseId = responseId;
  }

  /** The items that are whole, and those that still grow as they began. In order. */
  get items(): readonly OutputItem[] {
    return this.#items;
  }

  /** A piece of the answer or of the reasoning. */
  *add(type: OpenText["type"], delta: string): Generator<Unnumbered> {
    if (this.#text !== null && this.#text.type !== type) yield* this.#closeText("completed");
    const open = this.#text ?? (yield* this.#openText(type));
    open.text += delta;
    const { id: item_id, index: output_index } = open;
    yield type === "message"
      ? { type: "response.output_text.delta", item_id, output_index, content_index: 0, delta, logprobs: [] }
      : { type: "response.reasoning_summary_text.delta", item_id, output_index, summary_index: 0, delta };
  }

  *startCall({ tool_use_id, tool_name, tool_input }: EventData<"tool_use">): Generator<Unnumbered> {
    yield* this.#closeText("completed");
    const mcp = mcpToolOf(tool_name);
    const index = this.#items.length;
    const item: ItemOf<"mcp_call"> = {
      id: outputItemId("mcp_call", this.#responseId, index),
      type: "mcp_call",
      status: "in_progress",
      server_label: mcp?.server ?? OWN_TOOLS,
      name: mcp?.name ?? tool_name,
      arguments: "",
      approval_request_id: null,
      output: null,
      error: null,
    };
    const place = { item_id: item.id, output_index: index };
    yield { type: "response.output_item.added", output_index: index, item };
    yield { type: "response.mcp_call.in_progress", ...place };
    const given = JSON.stringify(tool_input ?? {});
    yield { type: "response.mcp_call_arguments.delta", ...place, delta: given };
    yield { type: "response.mcp_call_arguments.done", ...place, arguments: given };
    const called = { ...item, arguments: given };
    this.#items.push(called);
    this.#calls.set(tool_use_id, { index, item: called });
  }

  /** A result of a call that was never seen is passed over. */
  *endCall({ tool_use_id, is_error, content }: EventData<"tool_result">): Generator<Unnumbered> {
    const call = this.#calls.get(tool_use_id);
    if (call === undefined) return;
    this.#calls.delete(tool_use_id);
    const error = {
      type: "mcp_tool_execution_error" as const,
      content: [{ type: "text" as const, text: content }],
    };
    const item: ItemOf<"mcp_call"> = is_error
      ? { ...call.item, status: "failed", error }
      : { ...call.item, status: "completed", output: content };
    const place = { item_id: item.id, output_index: call.index };
    yield { type: is_error ? "response.mcp_call.failed" : "response.mcp_call.completed", ...place };
    yield this.#done(call.index, item);
  }

  /** The turn has ended: nothing stays open. @param status of what had not come to its own end */
  *close(status: "completed" | "incomplete"): Generator<Unnumbered> {
    yield* this.#closeText(status);
    for (const { index, item } of this.#calls.values())
      yield this.#done(index, { ...item, status: "incomplete" });
  }

  *#openText(type: OpenText["type"]): Generator<Unnumbered, OpenText> {
    const index = this.#items.length;
    const id = outputItemId(type, this.#responseId, index);
    const open: OpenText = { type, id, index, text: "" };
    this.#text = open;
    const item: OutputItem =
      type === "message"
        ? { id, type, status: "in_progress", role: "assistant", content: [] }
        : { id, type, summary: [] };
    this.#items.push(item);
    yield { type: "response.output_item.added", output_index: index, item };
    const place = { item_id: id, output_index: index };
    yield type === "message"
      ? { type: "response.content_part.added", ...place, content_index: 0, part: outputText("") }
      : {
          type: "response.reasoning_summary_part.added",
          ...place,
          summary_index: 0,
          part: { type: "summary_text", text: "" },
        };
    return open;
  }

  *#closeText(status: "completed" | "incomplete"): Generator<Unnumbered> {
    const open = this.#text;
    if (open === null) return;
    this.#text = null;
    const { id, type, index, text } = open;
    switch (type) {
      case "message": {
        const place = { item_id: id, output_index: index, content_index: 0 as const };
        const part = outputText(text);
        yield { type: "response.output_text.done", ...place, text, logprobs: [] };
        yield { type: "response.content_part.done", ...place, part };
        yield this.#done(index, { id, type, status, role: "assistant", content: [part] });
        return;
      }
      case "reasoning": {
        const place = { item_id: id, output_index: index, summary_index: 0 as const };
        const part = { type: "summary_text" as const, text };
        yield { type: "response.reasoning_summary_text.done", ...place, text };
        yield { type: "response.reasoning_summary_part.done", ...place, part };
        yield this.#done(index, { id, type, summary: [part] });
        return;
      }
    }
  }

  #done(index: number, item: OutputItem): Unnumbered {
    this.#items[index] = item;
    return { type: "response.output_item.done", output_index: index, item };
  }
}
