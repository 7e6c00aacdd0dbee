/**
 * How an agent is told who speaks. A message that carries a participant reaches the harness in a frame:
 *
 *     <karta-message from="ada" type="human" display_name="Ada L.">
 *     Do you ship free?
 *     </karta-message>
 *
 * Nobody can write a frame into a text: within one, and in any other text, the frame's own tags are broken by a
 * backslash. A text without a participant and without such a tag is sent as it is. `framed` can be undone, so that the
 * conversation shows what was written.
 */
import type { Participant } from "../../shared/events.ts";

const TAG = "karta-message";
/** A tag of ours, whole or broken before; a text may hold any of them. */
const OURS = /<(\\*)(\/?)(?=karta-message)/gi;
const BROKEN = /<\\(\\*)(\/?)(?=karta-message)/gi;

export interface Attributed {
  readonly text: string;
  /** Null: a message of the session's one person. */
  readonly participant: Participant | null;
}

/** What is sent to the harness for a message. */
export function framed({ text, participant }: Attributed): string {
  const safe = text.replace(OURS, "<\\$1$2");
  if (participant === null && safe === text) return text;
  return `${openingTag(participant)}\n${safe}\n</${TAG}>`;
}

function openingTag(participant: Participant | null): string {
  if (participant === null) return `<${TAG}>`;
  const { name, type, display_name } = participant;
  const shown = display_name === null ? "" : ` display_name="${escaped(display_name)}"`;
  return `<${TAG} from="${escaped(name)}" type="${type}"${shown}>`;
}

const FRAME = new RegExp(
  `^<${TAG}(?: from="([^"]*)" type="(human|ai)"(?: display_name="([^"]*)")?)?>\n([^]*)\n</${TAG}>$`,
);

/** What was written, from what was sent. */
export function unframed(sent: string): Attributed {
  const match = FRAME.exec(sent);
  if (match === null) return { text: sent, participant: null };
  const [, name, type, shown, safe = ""] = match;
  const text = safe.replace(BROKEN, "<$1$2");
  if (name === undefined) return { text, participant: null };
  return {
    text,
    participant: {
      name: unescaped(name),
      type: type === "ai" ? "ai" : "human",
      display_name: shown === undefined ? null : unescaped(shown),
    },
  };
}

const ENTITIES = new Map([
  ["&", "&amp;"],
  ['"', "&quot;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);
const CHARACTERS = new Map([...ENTITIES].map(([character, entity]) => [entity, character]));

function escaped(name: string): string {
  return name.replace(/[&"<>]/g, (character) => ENTITIES.get(character) ?? character);
}

function unescaped(name: string): string {
  return name.replace(/&(amp|quot|lt|gt);/g, (entity) => CHARACTERS.get(entity) ?? entity);
}
