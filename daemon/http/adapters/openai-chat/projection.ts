/** A turn's events as chunks of a chat completion, and its result as a whole one. */
import { asOneLine } from "../../../events/one-line.ts";
import { KartaError } from "../../../../shared/errors.ts";
import type { SessionEvent, Usage } from "../../../../shared/events.ts";
import type {
  ChatChunk,
  ChatCompletion,
  ChatUsage,
} from "../../../../shared/protocol/adapters/openai-chat.ts";
import type { TurnResult } from "../../../../shared/protocol/sessions.ts";
import { openAiError } from "../openai-errors.ts";
import type { TurnProjection } from "../turn.ts";

/** What every piece of an answer repeats. */
export interface CompletionHead {
  readonly turnId: string;
  readonly sessionId: string;
  /** As the answer names it. */
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

function idOf({ turnId }: CompletionHead): string {
  return turnId.replace("turn_", "chatcmpl-");
}

function chatUsage({ input_tokens, output_tokens, total_tokens }: Usage): ChatUsage {
  return { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens };
}

function finishReason(status: "completed" | "cancelled"): "stop" | "length" {
  return status === "completed" ? "stop" : "length";
}

const frame = (data: object): string => `data: ${asOneLine(JSON.stringify(data))}\n\n`;

const errorFrame = (error: KartaError): string => frame(openAiError(error));

/** @param withUsage `stream_options.include_usage` */
export function chatProjection(head: CompletionHead, withUsage: boolean): TurnProjection {
  const chunk = (more: Pick<ChatChunk, "choices"> & Partial<ChatChunk>): string =>
    frame({
      id: idOf(head),
      object: "chat.completion.chunk",
      created: head.created,
      model: head.model,
      ...(withUsage ? { usage: null } : {}),
      ...more,
    } satisfies ChatChunk);
  const delta = (
    part: ChatChunk["choices"][number]["delta"],
    more: Pick<ChatChunk, "karta"> & { readonly finish_reason?: "stop" | "length" } = {},
  ): string => {
    const { finish_reason = null, ...rest } = more;
    return chunk({ choices: [{ index: 0, delta: part, logprobs: null, finish_reason }], ...rest });
  };
  return {
    opening: delta(
      { role: "assistant", content: "" },
      { karta: { type: "turn", session_id: head.sessionId, turn_id: head.turnId } },
    ),
    frames: (event: SessionEvent) => {
      switch (event.type) {
        case "text":
          return delta({ content: event.data.part.text });
        case "tool_use":
        case "tool_result":
        case "agent_handoff":
        case "input_required":
        case "input_resolved":
          return delta({}, { karta: { type: event.type, ...event.data } });
        case "message":
        case "reasoning":
        case "step_start":
        case "step_finish":
        case "system":
          return "";
        case "error":
          return errorFrame(new KartaError(event.data.code, event.data.message));
        case "done": {
          const { status, usage } = event.data;
          return (
            delta({}, { finish_reason: finishReason(status), karta: { type: "done", status } }) +
            (withUsage ? chunk({ choices: [], usage: chatUsage(usage) }) : "") +
            "data: [DONE]\n\n"
          );
        }
      }
    },
    failure: (code, message) => errorFrame(new KartaError(code, message)),
    ping: ": ping\n\n",
  };
}

/** @param result of a turn that has ended */
export function chatCompletion(head: CompletionHead, result: TurnResult): ChatCompletion {
  const status = result.status === "completed" ? "completed" : "cancelled";
  const parts = result.messages.at(-1)?.parts ?? [];
  return {
    id: idOf(head),
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: result.text, refusal: null },
        logprobs: null,
        finish_reason: finishReason(status),
      },
    ],
    usage: chatUsage(result.usage),
    karta: {
      session_id: head.sessionId,
      turn_id: head.turnId,
      agent: result.agent,
      status,
      tools: parts.filter(({ type }) => type === "tool_use" || type === "tool_result"),
    },
  };
}
