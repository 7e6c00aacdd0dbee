/**
 * Makes text of others safe to print: a terminal obeys control characters, and reorders or hides others. What an agent, a
 * client or a project wrote must neither drive it nor read as something that it is not.
 */

/** C0 but newline and tab, DEL, and C1 (whose U+009B starts an escape sequence like ESC does). */
const CONTROLS = String.raw`\u0000-\u0008\u000b-\u001f\u007f-\u009f`;
/**
 * Characters that change the order in which others are shown, break lines of their own, or are seen by nobody: embeddings,
 * overrides and isolates; U+2028 and U+2029; spaces of no width; interlinear marks; tags; half a surrogate pair.
 */
const UNSEEN = String.raw`\u00ad\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}\p{Surrogate}`;
/** Of no harm in prose, where some scripts and emoji need them: joiners, direction marks, and letters that are blank. */
const IN_PROSE = String.raw`\u034f\u061c\u115f\u1160\u17b4\u17b5\u200c-\u200f\u3164\uffa0\ufe00-\ufe0f`;

const IN_TEXT = new RegExp(`[${CONTROLS}${UNSEEN}]`, "gu");
// eslint-disable-next-line no-misleading-character-class -- each of them is meant alone
const EXACT = new RegExp(`[${CONTROLS}${UNSEEN}${IN_PROSE}]`, "gu");
const COLOUR_OR_TEXT = new RegExp(String.raw`\u001b\[[\d;]*m|[${CONTROLS}${UNSEEN}]`, "gu");
/** What nearly every text has none of: looking is cheaper than replacing. */
const PLAIN = /^[\n\t\u0020-\u007e]*$/;

/**
 * Shows each control character as its picture (ESC as ␛) and each one that hides or reorders by its number, so that it is
 * seen and not obeyed. Newlines and tabs stay. It works character by character, so a sequence cut in two by a stream is
 * caught as well.
 */
export function harmless(text: string): string {
  return PLAIN.test(text) ? text : text.replaceAll("\r\n", "\n").replace(IN_TEXT, shown);
}

/** The same for a place that holds one line: newlines show as ↵, tabs as a space. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", "↵").replaceAll("\t", " ");
}

/** For what somebody is to decide on, such as a command: whatever is not seen is shown, joiners and blank letters too. */
export function exactly(text: string): string {
  return PLAIN.test(text) ? text : text.replaceAll("\r\n", "␍\n").replace(EXACT, shown);
}

/**
 * For what is printed in the end, whoever made it: colours stay, whatever else a terminal obeys is shown. A net below the
 * functions above, which know which part of a text is whose.
 */
export function onlyColoured(text: string): string {
  return PLAIN.test(text)
    ? text
    : text.replace(COLOUR_OR_TEXT, (found) => (found.startsWith("\u001b[") ? found : shown(found)));
}

/** JSON whose text no terminal obeys: what it would is written as `\uXXXX`, which is the same value. */
export function harmlessJson(json: string): string {
  return PLAIN.test(json) ? json : json.replace(IN_TEXT, escaped);
}

function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}

/** Inside a JSON string, the only place where such a character can stand. */
function escaped(character: string): string {
  let text = "";
  for (let place = 0; place < character.length; place += 1)
    text += `\\u${character.charCodeAt(place).toString(16).padStart(4, "0")}`;
  return text;
}
