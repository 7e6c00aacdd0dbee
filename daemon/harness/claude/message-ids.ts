/** Karta's message ids and the UUIDs that Claude Code files them under: the same number, written in two ways. */
import { randomUUID, type UUID } from "node:crypto";

/** As `newMessageId` makes them: a version 8 UUID, which Claude Code does not make for messages of its own. */
const OF_OURS = /^msg_([0-9a-f]{8})([0-9a-f]{4})(8[0-9a-f]{3})([0-9a-f]{4})([0-9a-f]{12})$/;

/** The UUID to send a message under; a new one for an id of another form. */
export function uuidOf(messageId: string): UUID {
  const match = OF_OURS.exec(messageId);
  if (match === null) return randomUUID();
  const [, a = "", b = "", c = "", d = "", e = ""] = match;
  return `${a}-${b}-${c}-${d}-${e}`;
}

/** The id of the message that Karta sent under this UUID; null for one that is not Karta's. */
export function messageIdOf(uuid: string): string | null {
  const id = `msg_${uuid.replaceAll("-", "")}`;
  return OF_OURS.test(id) ? id : null;
}
