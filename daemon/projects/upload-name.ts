/** What a file that a user sent is called in a workspace: its own name, as far as that can do no harm. */

/** A file system's usual bound is 255; the rest is for a number that tells two of one name apart. */
const MOST_BYTES = 200;
const MOST_ENDING_BYTES = 20;

/**
 * Files by which a folder instructs the agents that work in it: a user's file must not be taken for one. Those that begin
 * with a dot lose it anyway.
 */
const INSTRUCTIONS = /^(claude|claude\.local|agents|agents\.override|gemini|skill)\.md$/i;

/**
 * The last part of the name, without what no file's name may hold (separators, control and invisible characters), without
 * dots and spaces at its ends. Never empty, never `..`, never hidden.
 */
export function safeName(given: string): string {
  const last = given.normalize("NFC").split(/[/\\]/).at(-1) ?? "";
  const clean = last
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "")
    .replace(/[<>:"|?*]/g, "_")
    .replace(/^[\s.]+|[\s.]+$/g, "");
  if (clean === "") return "file";
  const { stem, ending } = splitName(clean);
  const short = cut(stem, MOST_BYTES - Buffer.byteLength(ending)) + ending;
  return INSTRUCTIONS.test(short) ? `upload-${short}` : short;
}

/** `photo.png` → `photo-2.png` */
export function numbered(name: string, number: number): string {
  if (number === 1) return name;
  const { stem, ending } = splitName(name);
  return `${stem}-${number}${ending}`;
}

function splitName(name: string): { readonly stem: string; readonly ending: string } {
  const dot = name.lastIndexOf(".");
  const ending = dot <= 0 ? "" : name.slice(dot);
  if (ending === "" || Buffer.byteLength(ending) > MOST_ENDING_BYTES) return { stem: name, ending: "" };
  return { stem: name.slice(0, dot), ending };
}

/** The longest beginning of at most so many UTF-8 bytes that ends between characters. */
function cut(text: string, bytes: number): string {
  let kept = "";
  let size = 0;
  for (const character of text) {
    size += Buffer.byteLength(character);
    if (size > bytes) break;
    kept += character;
  }
  return kept;
}
