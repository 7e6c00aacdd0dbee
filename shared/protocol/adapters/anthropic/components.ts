/** Schemas of Anthropic's APIs under their public names. */
import type { z } from "zod";
import { AgentSchema, EnvironmentSchema, SessionAgentSchema } from "./agents.ts";
import { AnthropicErrorSchema } from "./errors.ts";
import { ManagedEventSchema, ManagedStreamEventSchema, SentEventSchema } from "./events.ts";
import { AnthropicMessageSchema, MessageStreamEventSchema } from "./messages.ts";
import { ModelInfoSchema } from "./models.ts";
import { ManagedSessionSchema } from "./sessions.ts";

export const ANTHROPIC_COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  AnthropicError: AnthropicErrorSchema,
  AnthropicMessage: AnthropicMessageSchema,
  AnthropicMessageEvent: MessageStreamEventSchema,
  AnthropicModel: ModelInfoSchema,
  ManagedAgent: AgentSchema,
  ManagedSessionAgent: SessionAgentSchema,
  ManagedEnvironment: EnvironmentSchema,
  ManagedSession: ManagedSessionSchema,
  ManagedEvent: ManagedEventSchema,
  ManagedSentEvent: SentEventSchema,
  ManagedStreamEvent: ManagedStreamEventSchema,
};
