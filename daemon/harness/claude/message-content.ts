/** A message in the form that Claude Code wants. */
import type { SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { TurnRequest } from "../harness.ts";
import { asPlainText } from "./plain-text.ts";

type Content = Exclude<SDKUserMessage["message"]["content"], string>;

/** Images first, as the model's makers advise; no text block without a text, which their service refuses. */
export function contentOf({ text, images }: Pick<TurnRequest, "text" | "images">): Content {
  return [
    ...images.map(({ mediaType, base64 }) => ({
      type: "image" as const,
      source: { type: "base64" as const, media_type: mediaType, data: base64 },
    })),
    ...(text === "" ? [] : [{ type: "text" as const, text: asPlainText(text) }]),
  ];
}
