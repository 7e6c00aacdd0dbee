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
 *
 * What an application tells the agent beside a message (a preface: instructions, an earlier conversation) stands before
 * it in a frame of its own, which `unframed` takes away:
 *
 *     <karta-preface>
 *     Answer in French.
 *     </karta-preface>
 *
 *     Do you ship free?
 */
import type { Participant } from "../../shared/events.ts";

const TAG = "karta-message";
const PREFACE_TAG = "karta-preface";
/** A tag of ours, whole or broken before; a text may hold any of them. A preface's own parts are tags of its maker's. */
const FRAMES = /<(\\*)(\/?)(?=karta-(?:message|preface))/gi;
const OURS = /<(\\*)(\/?)(?=karta-(?:message|preface|instructions|said))/gi;
const BROKEN = /<\\(\\*)(\/?)(?=karta-(?:message|preface|instructions|said))/gi;

export interface Attributed {
  readonly text: string;
  /** Null: a message of the session's one person. */
  readonly participant: Participant | null;
}

export interface Framed extends Attributed {
  /** What the agent is told before the text, and people are not shown; null or left out: nothing. */
  readonly preface?: string | null;
}

/** What is sent to the harness for a message. */
export function framed({ preface, ...message }: Framed): string {
  const sent = attributed(message);
  if (preface === undefined || preface === null) return sent;
  return `<${PREFACE_TAG}>\n${broken(preface, FRAMES)}\n</${PREFACE_TAG}>\n\n${sent}`;
}

/** None of the tags is one any more. */
function broken(text: string, tags: RegExp): string {
  return text.replace(tags, "<\\$1$2");
}

function attributed({ text, participant }: Attributed): string {
  const safe = broken(text, OURS);
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

/** Ends at the first closing tag: within it there is none. */
const PREFACE = new RegExp(`^<${PREFACE_TAG}>\n[^]*?\n</${PREFACE_TAG}>\n\n`);

/** What was written, from what was sent. */
export function unframed(sent: string): Attributed {
  const message = sent.replace(PREFACE, "");
  const match = FRAME.exec(message);
  if (match === null) return { text: message, participant: null };
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
