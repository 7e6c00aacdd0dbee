/** Writes the OpenAI Chat Completions API: https://platform.openai.com/docs/api-reference/chat-streaming */
import { randomBytes } from "node:crypto";
import type { Block } from "./answer.ts";
import type { ModelRequest } from "./conversation.ts";
import type { Wire } from "./wire.ts";

export interface OpenAiModelRequest extends ModelRequest {
  /** One more chunk, with the usage and no choice. */
  readonly includeUsage: boolean;
}

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

export const openAiWire: Wire<OpenAiModelRequest> = {
  stream: (request, blocks) => {
    const head = envelope(request, "chat.completion.chunk");
    const withUsage = request.includeUsage ? { usage: null } : {};
    const chunk = (delta: object, finishReason: string | null = null) =>
      event({ ...head, choices: [{ index: 0, delta, finish_reason: finishReason }], ...withUsage });
    const toolCall = (call: object) => chunk({ tool_calls: [{ index: 0, ...call }] });
    return {
      start: () => chunk({ role: "assistant", content: "" }),
      open: (block) =>
        block.kind === "tool"
          ? toolCall({ id: block.id, type: "function", function: { name: block.name, arguments: "" } })
          : "",
      piece: (block, _index, text) => {
        switch (block.kind) {
          case "thinking":
            return chunk({ reasoning_content: text });
          case "text":
            return chunk({ content: text });
          case "tool":
            return toolCall({ function: { arguments: text } });
        }
      },
      close: () => "",
      finish: (outputTokens) =>
        chunk({}, finishReason(blocks)) +
        (request.includeUsage
          ? event({ ...head, choices: [], usage: usage(request.inputTokens, outputTokens) })
          : "") +
        "data: [DONE]\n\n",
    };
  },
  whole: (request, blocks, outputTokens) => ({
    ...envelope(request, "chat.completion"),
    choices: [{ index: 0, message: wholeMessage(blocks), finish_reason: finishReason(blocks) }],
    usage: usage(request.inputTokens, outputTokens),
  }),
  error: (type, message) => ({ error: { message, type, param: null, code: null } }),
};

function envelope({ model }: ModelRequest, object: string) {
  const created = Math.floor(Date.now() / 1000);
  return { id: `chatcmpl-${randomBytes(12).toString("hex")}`, object, created, model };
}

function usage(inputTokens: number, outputTokens: number) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function finishReason(blocks: readonly Block[]): "tool_calls" | "stop" {
  return blocks.some(({ kind }) => kind === "tool") ? "tool_calls" : "stop";
}

function wholeMessage(blocks: readonly Block[]): object {
  const join = (kind: Block["kind"]) => {
    const pieces = blocks.filter((block) => block.kind === kind).flatMap((block) => block.pieces);
    return pieces.length === 0 ? null : pieces.join("");
  };
  const thinking = join("thinking");
  const calls = blocks.flatMap((block) =>
    block.kind === "tool"
      ? [
          {
            id: block.id,
            type: "function",
            function: { name: block.name, arguments: block.pieces.join("") },
          },
        ]
      : [],
  );
  return {
    role: "assistant",
    content: join("text"),
    ...(thinking === null ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}
