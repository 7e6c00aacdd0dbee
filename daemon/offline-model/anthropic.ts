/** Writes the Anthropic Messages API. Order of events: https://docs.anthropic.com/en/api/messages-streaming */
import { randomBytes } from "node:crypto";
import type { Block } from "./answer.ts";
import type { ModelRequest } from "./conversation.ts";
import type { Wire } from "./wire.ts";

/** Opaque to harnesses, which send it back; base64 of "offline". */
const SIGNATURE = "b2ZmbGluZQ==";

type Event = { readonly type: string; readonly [key: string]: unknown };

const event = (data: Event) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

export const anthropicWire: Wire<ModelRequest> = {
  stream: (request, blocks) => ({
    start: () =>
      event({
        type: "message_start",
        message: { ...envelope(request), usage: usage(request.inputTokens, 1) },
      }),
    open: (block, index) => event({ type: "content_block_start", index, content_block: emptyBlock(block) }),
    piece: (block, index, text) => event({ type: "content_block_delta", index, delta: delta(block, text) }),
    close: (block, index) => {
      const stop = event({ type: "content_block_stop", index });
      if (block.kind !== "thinking") return stop;
      const signed = { type: "signature_delta", signature: SIGNATURE };
      return event({ type: "content_block_delta", index, delta: signed }) + stop;
    },
    finish: (outputTokens) =>
      event({
        type: "message_delta",
        delta: { stop_reason: stopReason(blocks), stop_sequence: null },
        usage: usage(request.inputTokens, outputTokens),
      }) + event({ type: "message_stop" }),
  }),
  whole: (request, blocks, outputTokens) => ({
    ...envelope(request),
    content: blocks.map(wholeBlock),
    stop_reason: stopReason(blocks),
    usage: usage(request.inputTokens, outputTokens),
  }),
  error: (type, message) => ({ type: "error", error: { type, message } }),
};

function envelope({ model }: ModelRequest) {
  return {
    id: `msg_${randomBytes(12).toString("hex")}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function usage(inputTokens: number, outputTokens: number) {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
  };
}

function stopReason(blocks: readonly Block[]): "tool_use" | "end_turn" {
  return blocks.some(({ kind }) => kind === "tool") ? "tool_use" : "end_turn";
}

function emptyBlock(block: Block): object {
  switch (block.kind) {
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "text":
      return { type: "text", text: "" };
    case "tool":
      return { type: "tool_use", id: block.id, name: block.name, input: {} };
  }
}

function delta(block: Block, piece: string): object {
  switch (block.kind) {
    case "thinking":
      return { type: "thinking_delta", thinking: piece };
    case "text":
      return { type: "text_delta", text: piece };
    case "tool":
      return { type: "input_json_delta", partial_json: piece };
  }
}

function wholeBlock(block: Block): object {
  switch (block.kind) {
    case "thinking":
      return { type: "thinking", thinking: block.pieces.join(""), signature: SIGNATURE };
    case "text":
      return { type: "text", text: block.pieces.join("") };
    case "tool":
      return { type: "tool_use", id: block.id, name: block.name, input: block.input };
  }
}
