/** A session's conversation, read through from its harness (spec: http-api, `GET …/messages`). */
import { z } from "zod";
import { MessageSchema } from "../events.ts";
import { integerText } from "./integer-text.ts";
import { LIMITS } from "./limits.ts";

export const MessagesQuerySchema = z.object({
  limit: integerText("a page size", 1, LIMITS.pageSize).optional(),
  cursor: z.string().max(500).optional(),
  /** `true` shows the model's reasoning too. */
  thinking: z.enum(["true", "false"]).optional(),
});

/** Oldest first. */
export const MessagePageSchema = z.object({
  data: z.array(MessageSchema),
  next_cursor: z.string().nullable(),
  /** Why there is nothing to show, where there should be something: the harness cannot give its history back. */
  unavailable: z.string().optional(),
});
export type MessagePage = z.infer<typeof MessagePageSchema>;
