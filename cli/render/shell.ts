/** Words for a command line that a person copies: what an agent wrote must stay one word, and do nothing. */

/** The text as one word of a POSIX shell. */
export function shellQuoted(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
