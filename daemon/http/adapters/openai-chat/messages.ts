/** A request's messages: what the application asks of the agent, what was said before, and what is said now. */
import type { ChatMessage } from "../../../../shared/protocol/adapters/openai-chat.ts";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import { ParticipantNameSchema } from "../../../../shared/protocol/participants.ts";
import { invalidField } from "../../invalid-field.ts";
import type { Content, Piece, ToldMessages } from "../told.ts";
import { contentOf } from "./content.ts";

/** @throws KartaError `invalid_request`, saying which message, and what of it */
export function readMessages(messages: readonly ChatMessage[]): ToldMessages {
  const instructions: string[] = [];
  const pieces: Piece[] = [];
  messages.forEach((message, place) => {
    const content = contentOf(message, `messages.${place}`);
    const role = roleOf(message);
    if (role === null) {
      if (content.images.length > 0) throw invalidField(`messages.${place}`, "expected text alone");
      instructions.push(content.text);
      return;
    }
    const last = pieces.at(-1);
    if (last?.role === role) pieces[pieces.length - 1] = joined(last, content);
    else pieces.push({ role, ...content });
  });

  const lastPlace = `messages.${messages.length - 1}`;
  const message = pieces.pop();
  if (message?.role !== "user")
    throw invalidField(lastPlace, "expected a user's message last: it is what the turn answers");
  const { text, images } = message;
  if (text.length > LIMITS.textLength || (text === "" && images.length === 0)) {
    throw invalidField(
      lastPlace,
      `expected 1 to ${LIMITS.textLength} characters, found ${text === "" ? "none" : text.length}`,
    );
  }
  return {
    instructions: instructions.length === 0 ? null : instructions.join("\n\n"),
    earlier: pieces,
    message: { text, images },
    speaker: speakerOf(messages.at(-1), lastPlace),
  };
}

/** Null: it is the application that speaks. */
function roleOf({ role }: ChatMessage): Piece["role"] | null {
  switch (role) {
    case "system":
    case "developer":
      return null;
    case "function":
      return "tool";
    case "user":
    case "assistant":
    case "tool":
      return role;
  }
}

function joined(first: Piece, second: Content): Piece {
  return {
    role: first.role,
    text: [first.text, second.text].filter((text) => text !== "").join("\n\n"),
    images: [...first.images, ...second.images],
  };
}

function speakerOf(message: ChatMessage | undefined, place: string): string | null {
  if (message?.name === undefined || message.role !== "user") return null;
  const name = ParticipantNameSchema.safeParse(message.name);
  if (name.success) return name.data;
  throw invalidField(`${place}.name`, name.error.issues[0]?.message ?? "expected a name");
}
