/** Reads the body of `POST /v1/responses`. Loose: harnesses add fields of their own. */
import { z } from "zod";
import { ConversationReader, type Conversation } from "./conversation.ts";
import { findSideRequest } from "./side-request.ts";

const PartsSchema = z.array(z.looseObject({ type: z.string(), text: z.string().optional() }));
const TextSchema = z.union([z.string(), PartsSchema]).nullish();

const ItemSchema = z.looseObject({
  /** A message may leave it out. */
  type: z.string().default("message"),
  role: z.string().optional(),
  content: TextSchema,
  /** A tool's result. */
  output: TextSchema.catch(null),
});

export const ResponsesRequestSchema = z.looseObject({
  model: z.string().default("offline"),
  instructions: z.string().nullish(),
  input: z.union([z.string(), z.array(ItemSchema).min(1)]),
  stream: z.boolean().nullish(),
  max_output_tokens: z.number().nullish(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).nullish(),
});

type ResponsesRequest = z.infer<typeof ResponsesRequestSchema>;

/** What Codex puts among the user's messages: the folder's instructions, and where it is. */
const CODEX_OWN = /^\s*(?:# AGENTS\.md instructions for |<environment_context>)/;

/** Codex's request for a title has all tools, and the user's words in it: no rule must match them. */
const CODEX_TITLE = "Your task is to generate a very short title";

export function readResponsesConversation(request: ResponsesRequest): Conversation {
  const reader = new ConversationReader();
  const system: string[] = [request.instructions ?? ""];
  const items = typeof request.input === "string" ? [userMessage(request.input)] : request.input;
  for (const item of items) {
    if (item.type === "message" && item.role === "user") {
      for (const text of textsOf(item.content)) if (!CODEX_OWN.test(text)) reader.userText(text);
      reader.endUserMessage();
    } else if (item.type === "message" && item.role !== "assistant") system.push(...textsOf(item.content));
    else if (item.type.endsWith("_call_output")) reader.toolResultText(textsOf(item.output).join("\n"));
    else if (item.type.endsWith("_call")) reader.toolCall();
  }
  const tools = (request.tools ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
  const lastUserText = reader.turns.at(-1) ?? "";
  return {
    turns: reader.turns,
    toolResult: reader.toolResult,
    toolAsked: reader.toolAsked,
    tools,
    sideRequest: lastUserText.startsWith(CODEX_TITLE)
      ? { kind: "title", keys: [] }
      : findSideRequest({
          system: system.join("\n"),
          lastUserText,
          hasTools: tools.length > 0,
          maxTokens: request.max_output_tokens ?? null,
          jsonKeys: [],
        }),
  };
}

function userMessage(text: string): z.infer<typeof ItemSchema> {
  return { type: "message", role: "user", content: text, output: null };
}

function textsOf(content: z.infer<typeof TextSchema>): string[] {
  if (typeof content === "string") return [content];
  return (content ?? []).flatMap(({ text }) => (text === undefined ? [] : [text]));
}
