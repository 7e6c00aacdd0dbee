/** A Messages request, read for an agent: what was said before, what is said now, and what the application wants. */
import type { CountTokens } from "../../../../../shared/protocol/adapters/anthropic/messages.ts";
import type { Piece, ToldMessages } from "../../told.ts";
import { GAP, refuse, requireLength, spokenOf, textOf, toldOf } from "../content.ts";

/**
 * Messages of one side that follow each other are one, as they are to Anthropic's models; so the user's after the last
 * reply are the turn's. System messages among the others are instructions, wherever they stand.
 * @throws KartaError `invalid_request` that names the block
 */
export function readRequest({ messages, system }: Pick<CountTokens, "messages" | "system">): ToldMessages {
  const lastReply = messages.findLastIndex(({ role }) => role === "assistant");
  const instructions = system === undefined || system === null ? [] : [textOf(system, "system")];
  const pieces: Piece[] = [];
  messages.forEach(({ role, content }, place) => {
    const path = `messages.${place}.content`;
    if (role === "system") {
      instructions.push(textOf(content, path));
      return;
    }
    const said = place > lastReply ? spokenOf(content, path) : toldOf(content, role);
    const last = pieces.at(-1);
    if (last?.role === role) pieces[pieces.length - 1] = joined(last, { role, ...said });
    else pieces.push({ role, ...said });
  });

  const now = pieces.at(-1);
  if (now?.role !== "user")
    refuse(
      "messages",
      "expected the user's message last: an agent does not go on with words that are put into its mouth",
    );
  const { text, images } = now;
  if (text === "" && images.length === 0)
    refuse("messages", "expected the user's last message to say something");
  requireLength(text, "messages");
  const asked = instructions.filter((one) => one !== "");
  return {
    instructions: asked.length === 0 ? null : asked.join(GAP),
    earlier: pieces.slice(0, -1),
    message: { text, images },
    speaker: null,
  };
}

function joined(first: Piece, second: Piece): Piece {
  return {
    role: first.role,
    text: [first.text, second.text].filter((text) => text !== "").join(GAP),
    images: [...first.images, ...second.images],
  };
}
