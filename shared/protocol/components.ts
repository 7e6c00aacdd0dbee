/** The contract's schemas under their public names: what code made from `/openapi.json` will call them. */
import type { z } from "zod";
import { ErrorBodySchema, IssueSchema } from "../errors.ts";
import {
  AssistantMessageSchema,
  MessageSchema,
  ParticipantSchema,
  PartSchema,
  ReasoningPartSchema,
  SessionEventSchema,
  StreamFrameSchema,
  SubscriptionErrorSchema,
  TextPartSchema,
  ToolResultPartSchema,
  ToolUsePartSchema,
  UsageSchema,
  UserMessageSchema,
} from "../events.ts";
import { ChatChunkSchema, ChatCompletionSchema, ModelSchema } from "./adapters/openai-chat.ts";
import { OpenAiErrorSchema } from "./adapters/openai-errors.ts";
import { ResponseEventSchema, ResponseFrameSchema } from "./adapters/responses-events.ts";
import { OutputItemSchema, ResponseObjectSchema } from "./adapters/responses-object.ts";
import { HealthSchema } from "./health.ts";
import { MessagePageSchema } from "./messages.ts";
import { MetadataPatchSchema, MetadataSchema } from "./metadata.ts";
import { AddParticipantSchema } from "./participants.ts";
import {
  CancelTurnSchema,
  CreateSessionSchema,
  EventPageSchema,
  PatchSessionSchema,
  PendingInputSchema,
  PermissionModeSchema,
  ResolveInputSchema,
  SendMessageSchema,
  SessionPageSchema,
  SessionSchema,
  TurnResultSchema,
} from "./sessions.ts";

/** `tool_use` → `ToolUse`. */
export function pascalCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `ToolUseEvent` and so on: one for each type. */
const eventSchemas = Object.fromEntries(
  SessionEventSchema.options.map((option): [string, z.ZodType] => [
    `${pascalCase(option.shape.type.value)}Event`,
    option,
  ]),
);

/** A schema that has no name here stands where it is used. */
export const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Session: SessionSchema,
  SessionPage: SessionPageSchema,
  CreateSession: CreateSessionSchema,
  PatchSession: PatchSessionSchema,
  Metadata: MetadataSchema,
  MetadataPatch: MetadataPatchSchema,
  PermissionMode: PermissionModeSchema,
  Participant: ParticipantSchema,
  AddParticipant: AddParticipantSchema,
  Usage: UsageSchema,
  SendMessage: SendMessageSchema,
  TurnResult: TurnResultSchema,
  CancelTurn: CancelTurnSchema,
  PendingInput: PendingInputSchema,
  ResolveInput: ResolveInputSchema,
  MessagePage: MessagePageSchema,
  Message: MessageSchema,
  UserMessage: UserMessageSchema,
  AssistantMessage: AssistantMessageSchema,
  Part: PartSchema,
  TextPart: TextPartSchema,
  ReasoningPart: ReasoningPartSchema,
  ToolUsePart: ToolUsePartSchema,
  ToolResultPart: ToolResultPartSchema,
  EventPage: EventPageSchema,
  SessionEvent: SessionEventSchema,
  ...eventSchemas,
  SubscriptionError: SubscriptionErrorSchema,
  StreamFrame: StreamFrameSchema,
  OpenAiResponse: ResponseObjectSchema,
  OpenAiOutputItem: OutputItemSchema,
  OpenAiResponseEvent: ResponseEventSchema,
  OpenAiResponseFrame: ResponseFrameSchema,
  Health: HealthSchema,
  Error: ErrorBodySchema,
  Issue: IssueSchema,
  OpenAiError: OpenAiErrorSchema,
  ChatCompletion: ChatCompletionSchema,
  ChatCompletionChunk: ChatChunkSchema,
  Model: ModelSchema,
};
