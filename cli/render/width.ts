/** How many columns of a terminal a text takes: East Asian wide characters and emoji take two, combining marks none. */

let segmenter: Intl.Segmenter | null = null;

/** Made when the first text needs it: making one takes 10 ms, and most of what is printed is plain. */
function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Ranges that terminals draw two columns wide (Unicode's East Asian Width W and F, in the blocks that matter). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/u;
const PLAIN = /^[\u0020-\u007e]*$/;
const MARKS_ONLY = /^[\p{Mark}\p{Format}]+$/u;

/** Columns of one line of text without colour codes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

function columnsOfGrapheme(grapheme: string): number {
  if (MARKS_ONLY.test(grapheme)) return 0;
  return EMOJI.test(grapheme) || WIDE.test(grapheme) ? 2 : 1;
}

/** The text cut to `columns`, ending in … where something was cut. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let used = 1; // the ellipsis
  for (const { segment } of graphemes(text)) {
    used += columnsOfGrapheme(segment);
    if (used > columns) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}
