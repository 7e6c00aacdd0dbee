/** The id of the message that answers a user's: a digest of the user's, so that the log and the harness's history agree. */
import { createHash } from "node:crypto";
import type { Id } from "../../shared/ids.ts";

/** As hard to guess as the id it is made from. */
export function replyIdTo(messageId: string): Id<"msg"> {
  return `msg_${createHash("sha256").update(messageId).digest("hex").slice(0, 32)}`;
}
