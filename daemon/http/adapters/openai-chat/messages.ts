/** A request's messages: what the application asks of the agent, what was said before, and what is said now. */
import { KartaError } from "../../../../shared/errors.ts";
import type { ChatMessage } from "../../../../shared/protocol/adapters/openai-chat.ts";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import { ParticipantNameSchema } from "../../../../shared/protocol/participants.ts";
import { contentOf, type Content } from "./content.ts";

/** What one side said before the other did. */
export interface Piece extends Content {
  readonly role: "user" | "assistant" | "tool";
}

export interface ToldMessages {
  /** Of all system and developer messages; null: there are none. */
  readonly instructions: string | null;
  /** Oldest first. */
  readonly earlier: readonly Piece[];
  /** The user's messages after the last answer, as one. */
  readonly message: Content;
  /** Who says it, where the last message has a name. */
  readonly speaker: string | null;
}

/** @throws KartaError `invalid_request`, saying which message, and what of it */
export function readMessages(messages: readonly ChatMessage[]): ToldMessages {
  const instructions: string[] = [];
  const pieces: Piece[] = [];
  messages.forEach((message, place) => {
    const content = contentOf(message, `messages.${place}`);
    const role = roleOf(message);
    if (role === null) {
      if (content.images.length > 0) throw invalidMessage(`messages.${place}`, "expected text alone");
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
    throw invalidMessage(lastPlace, "expected a user's message last: it is what the turn answers");
  const { text, images } = message;
  if (text.length > LIMITS.textLength || (text === "" && images.length === 0)) {
    throw invalidMessage(
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
  throw invalidMessage(`${place}.name`, name.error.issues[0]?.message ?? "expected a name");
}

export function invalidMessage(path: string, message: string): KartaError {
  return new KartaError("invalid_request", `${path}: ${message}`, { issues: [{ path, message }] });
}
