/** Splits text into what stands for a model's tokens. */

const words = new Intl.Segmenter("en", { granularity: "word" });
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Longer words come in several pieces, as from a model. */
const MAX_WORD = 16;

/**
 * Words with the white space before them, and punctuation by itself; joined they are the text again.
 * No piece ends within a character that a reader sees as one (surrogate pairs, joined emoji, combining marks).
 */
export function splitIntoPieces(text: string): string[] {
  const pieces: string[] = [];
  let space = "";
  for (const { segment } of words.segment(text)) {
    if (segment.trim() === "") {
      space += segment;
      continue;
    }
    const [first = "", ...others] = segment.length > MAX_WORD ? splitWord(segment) : [segment];
    pieces.push(space + first, ...others);
    space = "";
  }
  if (space !== "") pieces.push(space);
  return pieces;
}

function splitWord(word: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (const { segment } of graphemes.segment(word)) {
    if (part !== "" && part.length + segment.length > MAX_WORD) {
      parts.push(part);
      part = "";
    }
    part += segment;
  }
  return [...parts, part];
}
