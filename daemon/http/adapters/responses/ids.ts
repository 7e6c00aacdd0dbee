/**
 * Ids of responses, their items and conversations. Each is made of an id that is there already, under another prefix: a
 * response's of its turn's, an item's of its response's and its place, a conversation's of its session's. So a response
 * read again, after a restart too, has the ids it was streamed with, and an item says which response it is of.
 */

/** `turn_…` → `resp_…` */
export function responseIdOf(turnId: string): string {
  return `resp_${suffixOf(turnId)}`;
}

/** `sess_…` → `conv_…` */
export function conversationIdOf(sessionId: string): string {
  return `conv_${suffixOf(sessionId)}`;
}

/** `conv_…` → `sess_…`. A session's own id stands for itself; anything else is no session's. */
export function sessionIdOf(conversationId: string): string {
  return conversationId.startsWith("conv_") ? `sess_${suffixOf(conversationId)}` : conversationId;
}

/** How each kind of output item begins in OpenAI's API. */
const PREFIXES = { message: "msg", reasoning: "rs", mcp_call: "mcp" } as const;

/** @param index its place in `output` */
export function outputItemId(type: keyof typeof PREFIXES, responseId: string, index: number): string {
  return `${PREFIXES[type]}_${suffixOf(responseId)}_${index}`;
}

/** @param index its place in the request's `input` */
export function inputItemId(responseId: string, index: number): string {
  return `msg_${suffixOf(responseId)}_in${index}`;
}

const ITEM = /^(?:msg|rs|mcp)_([0-9a-z]{20,40})_(?:in)?\d{1,6}$/;

/** The response that an item is of; null for an id that is not one of ours. */
export function responseOfItem(itemId: string): string | null {
  const suffix = ITEM.exec(itemId)?.[1];
  return suffix === undefined ? null : `resp_${suffix}`;
}

function suffixOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}
