/**
 * What an agent reports of a session, read loosely: agents add fields and kinds with every release, and one that we do
 * not know must not end a turn. Our own schemas rather than the SDK's, which refuses a kind that it does not know and
 * prints a line for it.
 */
import { z } from "zod";

const TextSchema = z.looseObject({ type: z.literal("text"), text: z.string() });
export const ContentSchema = z.union([TextSchema, z.looseObject({ type: z.string() })]);
export type Content = z.infer<typeof ContentSchema>;

const ToolContentSchema = z.union([
  z.looseObject({ type: z.literal("content"), content: ContentSchema }),
  z.looseObject({ type: z.literal("diff"), path: z.string() }),
  z.looseObject({ type: z.string() }),
]);
export type ToolContent = z.infer<typeof ToolContentSchema>;

const lenient = <T extends z.ZodType>(schema: T) => schema.nullish().catch(null);

/** A tool call as it is first told, and each change of it: a change has only what changed. */
export const ToolCallSchema = z.looseObject({
  toolCallId: z.string(),
  title: lenient(z.string()),
  name: lenient(z.string()),
  kind: lenient(z.string()),
  status: lenient(z.enum(["pending", "in_progress", "completed", "failed"])),
  content: lenient(z.array(ToolContentSchema)),
  locations: lenient(z.array(z.looseObject({ path: z.string() }))),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
});
export type ToolCall = z.infer<typeof ToolCallSchema>;

/** A piece that an agent keeps with a user's message for its model alone says so. */
const AudienceSchema = z.looseObject({ annotations: z.looseObject({ audience: z.array(z.string()) }) });

const UpdateSchema = z.discriminatedUnion("sessionUpdate", [
  z
    .looseObject({
      sessionUpdate: z.literal("user_message_chunk"),
      content: ContentSchema,
      messageId: lenient(z.string()),
    })
    .transform((chunk) => ({
      ...chunk,
      isForUsers: AudienceSchema.safeParse(chunk.content).data?.annotations.audience.includes("user") ?? true,
    })),
  z.looseObject({ sessionUpdate: z.literal("agent_message_chunk"), content: ContentSchema }),
  z.looseObject({ sessionUpdate: z.literal("agent_thought_chunk"), content: ContentSchema }),
  ToolCallSchema.extend({ sessionUpdate: z.literal("tool_call") }),
  ToolCallSchema.extend({ sessionUpdate: z.literal("tool_call_update") }),
  z.looseObject({
    sessionUpdate: z.literal("plan"),
    entries: z.array(z.looseObject({ content: z.string(), status: lenient(z.string()) })),
  }),
  z.looseObject({
    sessionUpdate: z.literal("usage_update"),
    cost: lenient(z.looseObject({ amount: z.number().nonnegative(), currency: z.string() })),
  }),
  z.looseObject({ sessionUpdate: z.literal("notice"), title: z.string() }),
  z.looseObject({ sessionUpdate: z.literal("compaction_update") }),
  z.looseObject({ sessionUpdate: z.literal("current_mode_update"), currentModeId: z.string() }),
]);
export type Update = z.infer<typeof UpdateSchema>;

const NotificationSchema = z.looseObject({ sessionId: z.string(), update: z.unknown().optional() });

/** Whose report it is, and the report; null for a kind that means nothing here, or that is not well-formed. */
export interface Report {
  readonly sessionId: string;
  readonly update: Update | null;
}

/** Never throws. */
export function readReport(params: unknown): Report | null {
  const notification = NotificationSchema.safeParse(params);
  if (!notification.success) return null;
  return {
    sessionId: notification.data.sessionId,
    update: UpdateSchema.safeParse(notification.data.update).data ?? null,
  };
}

/** The text of a block; a block of another kind is named. */
export function textOfContent(content: Content): string {
  const text = TextSchema.safeParse(content);
  return text.success ? text.data.text : `[${content.type}]`;
}
