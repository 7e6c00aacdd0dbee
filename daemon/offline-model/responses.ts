/** Writes the OpenAI Responses API: https://platform.openai.com/docs/api-reference/responses-streaming */
import { randomBytes } from "node:crypto";
import type { Block } from "./answer.ts";
import type { ModelRequest } from "./conversation.ts";
import type { Wire } from "./wire.ts";

const newId = (prefix: string): string => `${prefix}_${randomBytes(12).toString("hex")}`;

export const responsesWire: Wire<ModelRequest> = {
  stream: (request, blocks) => {
    const response = envelope(request);
    const ids = blocks.map(idOf);
    const item = (block: Block, index: number, whole: string): object =>
      itemOf(block, ids[index] ?? "", whole, request);
    let sequence = 0;
    const event = (type: string, data: object): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...data })}\n\n`;
    const of = (index: number) => ({ item_id: ids[index] ?? "", output_index: index });
    return {
      start: () =>
        event("response.created", { response: { ...response, status: "in_progress", output: [] } }),
      open: (block, index) => {
        const opened = { ...item(block, index, ""), status: "in_progress" };
        const added = event("response.output_item.added", {
          output_index: index,
          item: block.kind === "text" ? { ...opened, content: [] } : opened,
        });
        const part = { type: "output_text", text: "", annotations: [] };
        return block.kind === "text"
          ? added + event("response.content_part.added", { ...of(index), content_index: 0, part })
          : added;
      },
      piece: (block, index, delta) => {
        switch (block.kind) {
          case "thinking":
            return event("response.reasoning_summary_text.delta", { ...of(index), summary_index: 0, delta });
          case "text":
            return event("response.output_text.delta", { ...of(index), content_index: 0, delta });
          case "tool":
            return event("response.function_call_arguments.delta", { ...of(index), delta });
        }
      },
      close: (block, index) => {
        const whole = block.pieces.join("");
        const done = (): string =>
          event("response.output_item.done", { output_index: index, item: item(block, index, whole) });
        switch (block.kind) {
          case "thinking":
            return done();
          case "text":
            return (
              event("response.output_text.done", { ...of(index), content_index: 0, text: whole }) +
              event("response.content_part.done", { ...of(index), content_index: 0, part: textPart(whole) }) +
              done()
            );
          case "tool":
            return (
              event("response.function_call_arguments.done", { ...of(index), arguments: whole }) + done()
            );
        }
      },
      finish: (outputTokens) =>
        event("response.completed", {
          response: {
            ...response,
            output: blocks.map((block, index) => item(block, index, block.pieces.join(""))),
            usage: usage(request.inputTokens, outputTokens),
          },
        }),
    };
  },
  whole: (request, blocks, outputTokens) => ({
    ...envelope(request),
    output: blocks.map((block) => itemOf(block, idOf(block), block.pieces.join(""), request)),
    usage: usage(request.inputTokens, outputTokens),
  }),
  error: (type, message) => ({ error: { message, type, param: null, code: null } }),
};

function envelope({ model }: ModelRequest) {
  const created_at = Math.floor(Date.now() / 1000);
  return { id: newId("resp"), object: "response", created_at, status: "completed", model, error: null };
}

function idOf(block: Block): string {
  switch (block.kind) {
    case "thinking":
      return newId("rs");
    case "text":
      return newId("msg");
    case "tool":
      return newId("fc");
  }
}

function itemOf(block: Block, id: string, whole: string, request: ModelRequest): object {
  switch (block.kind) {
    case "thinking":
      return { type: "reasoning", id, summary: [{ type: "summary_text", text: whole }] };
    case "text":
      return { type: "message", id, role: "assistant", status: "completed", content: [textPart(whole)] };
    case "tool":
      return {
        type: "function_call",
        id,
        call_id: block.id,
        ...calledName(block.name, request),
        arguments: whole,
        status: "completed",
      };
  }
}

/** Codex keeps an MCP server's tools in a namespace of their own, which it need not have told of: it has many searched for. */
function calledName(name: string, { conversation }: ModelRequest): object {
  const [, namespace, own] = /^(mcp__.+?)__(.+)$/.exec(name) ?? [];
  return namespace === undefined || conversation.tools.includes(name) ? { name } : { namespace, name: own };
}

function textPart(text: string): object {
  return { type: "output_text", text, annotations: [] };
}

function usage(inputTokens: number, outputTokens: number) {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}
