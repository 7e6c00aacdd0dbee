/** Server-sent events as Anthropic's clients read them. */
import { asOneLine } from "../../../events/one-line.ts";

/** The name is what they read first: a frame without one is passed over. */
export function frameOf(event: { readonly type: string }): string {
  return `event: ${event.type}\ndata: ${asOneLine(JSON.stringify(event))}\n\n`;
}

/** Says nothing, and every client passes over it. */
export const PING = frameOf({ type: "ping" });
