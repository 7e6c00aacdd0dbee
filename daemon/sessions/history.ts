/** A session's conversation, read through from its harness and shown as the API's messages. Karta keeps no copy. */
import { z } from "zod";
import type { Message } from "../../shared/events.ts";
import { LIMITS } from "../../shared/protocol/limits.ts";
import type { MessagePage } from "../../shared/protocol/messages.ts";
import type { TranscriptEntry } from "../harness/harness.ts";
import type { SessionRecord } from "../store/sessions.ts";
import { Assembly } from "./assembly.ts";
import { unframed } from "./attribution.ts";
import { badCursor, decodePlace, encodePlace } from "./cursor.ts";
import { replyIdTo } from "./reply-id.ts";
import type { SessionProject } from "./runtime.ts";

export interface HistoryQuery {
  readonly limit: number;
  /** `next_cursor` of an earlier page. */
  readonly cursor: string | null;
  /** Reasoning is shown too. */
  readonly thinking: boolean;
}

/** The id of the last message that was shown. */
const PlaceSchema = z.string().max(100);

/**
 * A page of what the harness holds, oldest first. A turn that runs shows what it has said so far; one that waits is not
 * there yet, since its agent has not heard it.
 * @throws KartaError `invalid_request` for a cursor that is not one of ours, or whose message is no longer there
 */
export async function readHistory(
  project: SessionProject,
  record: SessionRecord,
  query: HistoryQuery,
): Promise<MessagePage> {
  if (record.thread_id === null) return { data: [], next_cursor: null };
  const transcript = await project.harness.transcript({
    project: project.name,
    threadId: record.thread_id,
    launch: () => project.launch(record.id, record.current_agent),
  });
  switch (transcript.kind) {
    case "read":
      return pageOf(messagesOf(transcript.entries, record.id, query.thinking), query);
    case "none": {
      const wasThere = record.output_tokens > 0;
      return {
        data: [],
        next_cursor: null,
        ...(wasThere ? { unavailable: "the harness no longer has this conversation" } : {}),
      };
    }
    case "unreadable":
      return { data: [], next_cursor: null, unavailable: transcript.detail };
  }
}

function messagesOf(entries: readonly TranscriptEntry[], sessionId: string, thinking: boolean): Message[] {
  let asked: string = sessionId;
  return entries.map((entry): Message => {
    switch (entry.role) {
      case "user": {
        asked = entry.id;
        const { text, participant } = unframed(entry.text);
        return { id: entry.id, role: "user", text, parts: [{ type: "text", text }], participant };
      }
      case "assistant": {
        const assembly = new Assembly({ id: replyIdTo(asked), thinking });
        for (const event of entry.said) assembly.add(event);
        return assembly.message();
      }
    }
  });
}

function pageOf(messages: readonly Message[], { cursor, limit }: HistoryQuery): MessagePage {
  const rest = messages.slice(startOf(messages, cursor));
  const data: Message[] = [];
  let bytes = 0;
  for (const message of rest.slice(0, limit)) {
    bytes += Buffer.byteLength(JSON.stringify(message));
    if (data.length > 0 && bytes > LIMITS.messagePageBytes) break;
    data.push(message);
  }
  const last = data.at(-1);
  return { data, next_cursor: last !== undefined && data.length < rest.length ? encodePlace(last.id) : null };
}

function startOf(messages: readonly Message[], cursor: string | null): number {
  if (cursor === null) return 0;
  const place = decodePlace(cursor, PlaceSchema);
  const shown = messages.findIndex(({ id }) => id === place);
  if (shown === -1) throw badCursor("this message is no longer in the conversation; read it from the start");
  return shown + 1;
}
