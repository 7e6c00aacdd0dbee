/**
 * Claude Code takes a text that begins with "/" for a command of its operator ("/clear", "/compact"). What an end user
 * writes is only ever text; one more leading space keeps it so (tried with 2.1.330).
 */
export function asPlainText(written: string): string {
  return /^ *\//.test(written) ? ` ${written}` : written;
}

/** What was written, from what `asPlainText` made of it. */
export function asWritten(sent: string): string {
  return /^ +\//.test(sent) ? sent.slice(1) : sent;
}
