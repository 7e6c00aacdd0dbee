/**
 * JSON as a line of its own, for any reader of lines. JSON escapes what ends a line in server-sent events; many clients
 * split by more than that (Python's `splitlines`, which httpx-sse goes by), and an agent could begin a line for them.
 */
const OTHER_LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** The same value, written without characters that a reader may take for the end of a line. */
export function asOneLine(json: string): string {
  return json.replace(OTHER_LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
