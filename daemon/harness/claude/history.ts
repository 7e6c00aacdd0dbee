/**
 * Reads a conversation back from Claude Code's transcript. The Agent SDK puts the record's entries in order (branches,
 * rewinds, compaction); which folder they lie in is said by us, not by this process's environment.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { SessionMessage, SessionStore, SessionStoreEntry } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";
import type { HarnessEvent, TranscriptEntry } from "../harness.ts";
import { messageIdOf } from "./message-ids.ts";
import { asWritten } from "./plain-text.ts";
import { toolResultText } from "./translate.ts";

const EntrySchema = z.looseObject({ type: z.string() });
const CompactionSchema = z.looseObject({
  type: z.literal("system"),
  subtype: z.literal("compact_boundary"),
  logicalParentUuid: z.string(),
});

/** What Claude Code records of its requests to the model: large, and no part of the conversation. */
const REQUEST_RECORD = '{"type":"api-request';

/** @param file the transcript, which may be being written to */
export async function readHistory(file: string, threadId: string): Promise<TranscriptEntry[]> {
  const { getSessionMessages } = await import("@anthropic-ai/claude-agent-sdk"); // as heavy as it says in claude-code.ts
  const messages = await getSessionMessages(threadId, { sessionStore: storeOf(file) });
  return entriesOf(messages);
}

/** One transcript as a store that the SDK reads from. */
function storeOf(file: string): SessionStore {
  return {
    load: () => readEntries(file),
    append: () => Promise.reject(new Error("this store is there to be read")),
  };
}

async function readEntries(file: string): Promise<SessionStoreEntry[]> {
  const entries: SessionStoreEntry[] = [];
  for await (const line of createInterface({ input: createReadStream(file, "utf8") })) {
    if (line === "" || line.startsWith(REQUEST_RECORD)) continue;
    const entry = EntrySchema.safeParse(parsedLine(line));
    if (entry.success) entries.push(withoutBreak(entry.data));
  }
  return entries;
}

/**
 * Where Claude Code made room by a summary, it begins the record anew: what was said before is out of its own sight, but
 * still in the file. People did say it, so the break is mended: the entry follows the one it logically follows.
 */
function withoutBreak(entry: SessionStoreEntry): SessionStoreEntry {
  const compaction = CompactionSchema.safeParse(entry);
  if (!compaction.success) return entry;
  const { compactMetadata: _, ...rest } = compaction.data;
  return { ...rest, subtype: "informational", parentUuid: rest.logicalParentUuid };
}

/** Undefined for a line that is not whole: the last one, while it is written. */
function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const OTHER = z.object({ type: z.string() }).transform(() => ({ type: "other" as const }));
const BlockSchema = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("thinking"), thinking: z.string() }),
  z.object({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    is_error: z.boolean().optional(),
    content: z.unknown(),
  }),
  OTHER,
]);
type Block = z.infer<typeof BlockSchema>;
const MessageSchema = z.object({
  model: z.string().optional(),
  content: z.union([z.array(BlockSchema), z.string().transform((text): Block[] => [{ type: "text", text }])]),
});

/** The name under which Claude Code puts words of its own into the assistant's mouth ("No response requested."). */
const SYNTHETIC = "<synthetic>";

/** Exported for tests. */
function entriesOf(messages: readonly SessionMessage[]): TranscriptEntry[] {
  const entries: TranscriptEntry[] = [];
  /** What the agent did since the user's last message; null right after one. */
  let said: HarnessEvent[] | null = null;
  for (const { type, uuid, message, parent_tool_use_id } of messages) {
    const { data } = MessageSchema.safeParse(message);
    if (data === undefined || parent_tool_use_id !== null || data.model === SYNTHETIC) continue;
    const id = type === "user" ? messageIdOf(uuid) : null;
    if (id !== null) {
      entries.push({ role: "user", id, text: asWritten(usersText(data.content)) });
      said = null;
      continue;
    }
    const events = data.content.flatMap((block) => eventOf(block, type));
    if (events.length === 0) continue;
    if (said === null) entries.push({ role: "assistant", said: (said = []) });
    said.push(...events);
  }
  return entries;
}

/** We send one block; where Claude Code put reminders of its own beside it, ours is the one that is none. */
function usersText(blocks: readonly Block[]): string {
  const texts = blocks.flatMap((block) => (block.type === "text" ? [block.text] : []));
  if (texts.length <= 1) return texts[0] ?? "";
  return texts.find((text) => !text.startsWith("<system-reminder>")) ?? "";
}

/** A user message that Karta did not send holds results of tools; its texts are Claude Code's own. */
function eventOf(block: Block, from: SessionMessage["type"]): HarnessEvent[] {
  switch (block.type) {
    case "text":
      return from === "assistant" ? [{ type: "text", text: block.text }] : [];
    case "thinking":
      return from === "assistant" ? [{ type: "reasoning", text: block.thinking }] : [];
    case "tool_use":
      return [{ type: "tool_use", id: block.id, name: block.name, input: block.input }];
    case "tool_result":
      return [
        {
          type: "tool_result",
          id: block.tool_use_id,
          isError: block.is_error === true,
          content: toolResultText(block.content),
        },
      ];
    case "other":
      return [];
  }
}
