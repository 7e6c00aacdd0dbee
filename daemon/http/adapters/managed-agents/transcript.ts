/** `GET …/transcript`: the whole conversation in one answer, as the harness keeps it. */
import type { z } from "zod";
import type { TranscriptSchema } from "../../../../shared/protocol/adapters/managed-agents.ts";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import type { MessagePage } from "../../../../shared/protocol/messages.ts";

type TranscriptMessage = z.input<typeof TranscriptSchema>["messages"][number];

/** Bytes of JSON; beyond it the oldest messages are left out. */
const MOST_BYTES = 2 * LIMITS.messagePageBytes;

/** @param pageAfter a page of the history after a cursor; null: the first */
export async function wholeTranscript(
  pageAfter: (cursor: string | null) => Promise<MessagePage>,
): Promise<z.input<typeof TranscriptSchema>> {
  const kept: { readonly message: TranscriptMessage; readonly bytes: number }[] = [];
  let bytes = 0;
  let isCut = false;
  for (let cursor: string | null = null; ;) {
    const page: MessagePage = await pageAfter(cursor);
    for (const { id, role, parts } of page.data) {
      const message = { id, role, parts };
      const size = Buffer.byteLength(JSON.stringify(message));
      kept.push({ message, bytes: size });
      bytes += size;
    }
    while (bytes > MOST_BYTES && kept.length > 1) {
      bytes -= kept.shift()?.bytes ?? 0;
      isCut = true;
    }
    cursor = page.next_cursor;
    if (cursor !== null) continue;
    return {
      messages: kept.map(({ message }) => message),
      ...(isCut ? { truncated: true } : {}),
      ...(page.unavailable === undefined ? {} : { unavailable: page.unavailable }),
    };
  }
}
