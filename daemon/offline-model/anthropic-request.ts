/** Reads the body of `POST /v1/messages`. Loose: harnesses add fields with every release. */
import { z } from "zod";
import { ConversationReader, type Conversation } from "./conversation.ts";
import { findSideRequest } from "./side-request.ts";

const TextBlockSchema = z.looseObject({ type: z.literal("text"), text: z.string() });
const BlocksSchema = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);
const ResultBlockSchema = z.looseObject({ type: z.literal("tool_result"), content: BlocksSchema.optional() });

export const AnthropicRequestSchema = z.looseObject({
  model: z.string().default("offline"),
  messages: z.array(z.looseObject({ role: z.string(), content: BlocksSchema })).min(1),
  system: BlocksSchema.optional(),
  stream: z.boolean().default(false),
  max_tokens: z.number().optional(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  output_config: z
    .looseObject({
      format: z
        .looseObject({ schema: z.looseObject({ required: z.array(z.string()).optional() }).optional() })
        .optional(),
    })
    .optional(),
});

type AnthropicRequest = z.infer<typeof AnthropicRequestSchema>;
type Content = z.infer<typeof BlocksSchema>;

/** Messages of the role "system" may stand between turns (Claude Code's environment): they are not the user's. */
export function readAnthropicConversation(request: AnthropicRequest): Conversation {
  const reader = new ConversationReader();
  for (const { role, content } of request.messages) {
    if (role === "user") {
      readUserMessage(reader, content);
    } else if (role === "assistant" && typeof content !== "string") {
      for (const block of content) if (block.type === "tool_use") reader.toolCall();
    }
  }
  const tools = (request.tools ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
  return {
    turns: reader.turns,
    toolResult: reader.toolResult,
    toolAsked: reader.toolAsked,
    tools,
    sideRequest: findSideRequest({
      system: textOf(request.system ?? ""),
      lastUserText: reader.turns.at(-1) ?? "",
      hasTools: tools.length > 0,
      maxTokens: request.max_tokens ?? null,
      jsonKeys: request.output_config?.format?.schema?.required ?? [],
    }),
  };
}

function readUserMessage(reader: ConversationReader, content: Content): void {
  if (typeof content === "string") {
    reader.userText(content);
  } else {
    for (const block of content) {
      const result = ResultBlockSchema.safeParse(block);
      if (result.success) reader.toolResultText(textOf(result.data.content ?? ""));
      const text = TextBlockSchema.safeParse(block);
      if (text.success) reader.userText(text.data.text);
    }
  }
  reader.endUserMessage();
}

function textOf(content: Content): string {
  if (typeof content === "string") return content;
  return content
    .flatMap((block) => {
      const text = TextBlockSchema.safeParse(block);
      return text.success ? [text.data.text] : [];
    })
    .join("\n");
}
