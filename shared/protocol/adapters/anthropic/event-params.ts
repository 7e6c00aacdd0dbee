/** Events that a client sends to a managed session. */
import { z } from "zod";

/** Loose: which types and sources are taken depends on where the block stands. */
export const EventBlockSchema = z.looseObject({ type: z.string() });

export const UserMessageParamSchema = z.looseObject({
  type: z.literal("user.message"),
  content: z.array(EventBlockSchema).min(1, { error: "expected at least one content block" }),
});
export const UserInterruptParamSchema = z.looseObject({ type: z.literal("user.interrupt") });
export const UserToolConfirmationParamSchema = z.looseObject({
  type: z.literal("user.tool_confirmation"),
  tool_use_id: z.string().max(200),
  result: z.enum(["allow", "deny"]),
  deny_message: z.string().min(1).max(10_000).nullish(),
});
export const UserCustomToolResultParamSchema = z.looseObject({
  type: z.literal("user.custom_tool_result"),
  custom_tool_use_id: z.string().max(200),
  content: z.array(EventBlockSchema).optional(),
  is_error: z.boolean().nullish(),
});
export const SystemMessageParamSchema = z.looseObject({
  type: z.literal("system.message"),
  content: z.array(EventBlockSchema).min(1),
});

/** These Anthropic has and Karta refuses: who sends one is told so by name. */
export const RefusedEventParamSchema = z.looseObject({
  type: z.enum(["user.define_outcome", "user.tool_result"]),
});

export const UserEventParamSchema = z.union(
  [
    UserMessageParamSchema,
    UserInterruptParamSchema,
    UserToolConfirmationParamSchema,
    UserCustomToolResultParamSchema,
    SystemMessageParamSchema,
    RefusedEventParamSchema,
  ],
  {
    error:
      "expected an event: user.message, user.interrupt, user.tool_confirmation, user.custom_tool_result or system.message, with its fields",
  },
);
export type UserEventParam = z.infer<typeof UserEventParamSchema>;

export const SendEventsSchema = z.looseObject({
  events: z.array(UserEventParamSchema).min(1, { error: "expected at least one event" }).max(50),
});
