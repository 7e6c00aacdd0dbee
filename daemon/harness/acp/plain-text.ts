/**
 * Agents take a text that begins with "/" for a command of their operator's, and swallow one that they do not know
 * (OpenCode 1.18, which trims spaces first). What an end user writes is only ever text: a character of no width before
 * it keeps it so.
 */
const NO_WIDTH = "\u200b";

export function asPlainText(text: string): string {
  return text.trimStart().startsWith("/") ? `${NO_WIDTH}${text.trimStart()}` : text;
}

/** The text as the user wrote it, but for spaces before a "/". */
export function asWritten(text: string): string {
  return text.startsWith(`${NO_WIDTH}/`) ? text.slice(NO_WIDTH.length) : text;
}
