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
import { HealthSchema } from "./health.ts";
import {
  CreateSessionSchema,
  EventPageSchema,
  MetadataSchema,
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
  Metadata: MetadataSchema,
  PermissionMode: PermissionModeSchema,
  Participant: ParticipantSchema,
  Usage: UsageSchema,
  SendMessage: SendMessageSchema,
  TurnResult: TurnResultSchema,
  PendingInput: PendingInputSchema,
  ResolveInput: ResolveInputSchema,
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
  Health: HealthSchema,
  Error: ErrorBodySchema,
  Issue: IssueSchema,
};
