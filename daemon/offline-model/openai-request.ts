/** Reads the body of `POST /v1/chat/completions`. Loose: harnesses add fields of their own. */
import { z } from "zod";
import { ConversationReader, type Conversation } from "./conversation.ts";
import { findSideRequest } from "./side-request.ts";

const ContentSchema = z
  .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
  .nullish();

export const OpenAiRequestSchema = z.looseObject({
  model: z.string().default("offline"),
  messages: z
    .array(
      z.looseObject({
        role: z.string(),
        content: ContentSchema,
        tool_calls: z.array(z.unknown()).nullish(),
      }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }).optional() })).nullish(),
});

type OpenAiRequest = z.infer<typeof OpenAiRequestSchema>;

export function readOpenAiConversation(request: OpenAiRequest): Conversation {
  const reader = new ConversationReader();
  const system: string[] = [];
  for (const message of request.messages) {
    const texts = textsOf(message.content);
    switch (message.role) {
      case "user":
        for (const text of texts) reader.userText(text);
        reader.endUserMessage();
        break;
      case "assistant":
        if ((message.tool_calls ?? []).length > 0) reader.toolCall();
        break;
      case "tool":
        reader.toolResultText(texts.join("\n"));
        break;
      case "system":
      case "developer":
        system.push(...texts);
        break;
    }
  }
  const tools = (request.tools ?? []).flatMap((tool) =>
    tool.function === undefined ? [] : [tool.function.name],
  );
  return {
    turns: reader.turns,
    toolResult: reader.toolResult,
    toolAsked: reader.toolAsked,
    tools,
    sideRequest: findSideRequest({
      system: system.join("\n"),
      lastUserText: reader.turns.at(-1) ?? "",
      hasTools: tools.length > 0,
      maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
      jsonKeys: [],
    }),
  };
}

function textsOf(content: z.infer<typeof ContentSchema>): string[] {
  if (typeof content === "string") return [content];
  return (content ?? []).flatMap(({ text }) => (text === undefined ? [] : [text]));
}
