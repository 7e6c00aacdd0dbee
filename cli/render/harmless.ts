/** Makes text of others safe to print: a terminal obeys control characters, and an agent's words must not drive it. */

/** C0 but newline and tab, DEL, and C1 (whose U+009B starts an escape sequence like ESC does). */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * Shows each control character as its picture (ESC as ␛), so that it is seen and not obeyed. Newlines and tabs stay.
 * It works character by character, so a sequence cut in two by a stream is caught as well.
 */
export function harmless(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** The same for a place that holds one line: newlines show as ↵, tabs as a space. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", "↵").replaceAll("\t", " ");
}
