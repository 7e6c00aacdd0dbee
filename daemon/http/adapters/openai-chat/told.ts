/** A request as a told conversation: digests of what was said, and the message for an agent that knows some of it. */
import { createHash } from "node:crypto";
import type { SentMessage } from "../../../sessions/accept-message.ts";
import type { Known } from "../../../sessions/conversations.ts";
import { prefaceOf, type EarlierMessage } from "../preface.ts";
import type { Content } from "./content.ts";
import type { Piece, ToldMessages } from "./messages.ts";

function digestOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function digestWith(before: string, { role, text, images }: Piece): string {
  return digestOf(before, role, text, ...images.map(({ base64 }) => digestOf(base64)));
}

export interface Digests {
  /** Of the first piece, of the first two, and so on. */
  readonly earlier: readonly string[];
  readonly after: (answer: string) => string;
}

/** @param whose what keeps one user's words apart from another's same words */
export function digestsOf(told: ToldMessages, whose: readonly unknown[]): Digests {
  const earlier: string[] = [];
  let last = digestOf("openai-chat", ...whose);
  for (const piece of told.earlier) earlier.push((last = digestWith(last, piece)));
  return {
    earlier,
    after: (answer) => {
      const asked = digestWith(last, { role: "user", ...told.message });
      return digestWith(asked, { role: "assistant", text: answer, images: [] });
    },
  };
}

/** Null: the application asks nothing. */
export function instructionsDigest({ instructions }: ToldMessages): string | null {
  return instructions === null ? null : digestOf(instructions);
}

const WITHDRAWN = "None: those that were given before hold no more.";

/** @param agent null: whoever is the session's */
export function messageFor(told: ToldMessages, known: Known, agent: string | null): SentMessage {
  const untold = told.earlier.slice(known.pieces);
  const images = untold.flatMap((piece) => piece.images);
  return {
    text: told.message.text,
    preface: prefaceOf({
      instructions: known.instructions ? null : (told.instructions ?? WITHDRAWN),
      earlier: withImageMarks(untold),
    }),
    images: [...images, ...told.message.images],
    ...(agent === null ? {} : { agent }),
    ...(told.speaker === null ? {} : { participant_name: told.speaker }),
  };
}

/** Images stand in a message of their own before the text: each is named where it was shown. */
function withImageMarks(pieces: readonly Piece[]): EarlierMessage[] {
  let count = 0;
  const marksOf = ({ images }: Content): string[] => images.map(() => `[image ${(count += 1)}]`);
  return pieces.map((piece) => ({
    role: piece.role,
    text: [piece.text, ...marksOf(piece)].filter((text) => text !== "").join("\n"),
  }));
}
