/** Content blocks of Anthropic's APIs, read for an agent: what is text, what is a picture, what can't be given to it. */
import { z } from "zod";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import type { BlockParam, MessageContent } from "../../../../shared/protocol/adapters/anthropic/messages.ts";
import { invalidField } from "../../invalid-field.ts";
import type { TurnImage } from "../../../sessions/accept-message.ts";
import { imageFrom } from "../image.ts";
import type { Content } from "../told.ts";

const TextSchema = z.looseObject({ type: z.literal("text"), text: z.string() });
const ImageSchema = z.looseObject({
  type: z.literal("image"),
  source: z.looseObject({ type: z.literal("base64"), media_type: z.unknown(), data: z.unknown() }),
});
const ToolUseSchema = z.looseObject({ name: z.string(), input: z.unknown() });
const ToolResultSchema = z.looseObject({ content: z.unknown() });

/** @throws KartaError `invalid_request` that names the field */
export function refuse(path: string, message: string): never {
  throw invalidField(path, message);
}

/** As much as the session API takes. @throws KartaError `invalid_request` */
export function requireLength(text: string, path: string): void {
  if (text.length > LIMITS.textLength)
    refuse(path, `expected at most ${LIMITS.textLength} characters, found ${text.length}`);
}

/** Between the texts of two blocks, or two messages, that make one. */
export const GAP = "\n\n";

/** Text blocks alone. @throws KartaError `invalid_request` for any other */
export function textOf(content: MessageContent, path: string): string {
  if (typeof content === "string") return content;
  const texts = content.map((block, place) => readText(block, `${path}.${place}`));
  return texts.join(GAP);
}

function readText(block: BlockParam, path: string): string {
  if (block.type !== "text") refuse(path, `expected a text block, found ${block.type}`);
  const text = TextSchema.safeParse(block);
  return text.success ? text.data.text : refuse(`${path}.text`, "expected a string");
}

/** What a person says now. @throws KartaError `invalid_request` for what an agent can't be given */
export function spokenOf(content: MessageContent, path: string): Content {
  if (typeof content === "string") return { text: content, images: [] };
  const texts: string[] = [];
  const images: TurnImage[] = [];
  content.forEach((block, place) => {
    const where = `${path}.${place}`;
    switch (block.type) {
      case "text":
        texts.push(readText(block, where));
        break;
      case "image":
        images.push(readImage(block, where));
        break;
      case "tool_result":
        refuse(where, "the agent's tools run on Karta's side, so there is no result to send");
        break;
      default:
        refuse(
          where,
          `expected text or image blocks, found ${block.type}; put a document's text into a text block`,
        );
    }
  });
  return { text: texts.join(GAP), images };
}

function readImage(block: BlockParam, path: string): TurnImage {
  return (
    imageIn(block) ??
    refuse(
      `${path}.source`,
      "expected base64 data of image/png, image/jpeg, image/gif or image/webp: URLs and file ids are not fetched",
    )
  );
}

function imageIn(block: BlockParam): TurnImage | null {
  const image = ImageSchema.safeParse(block);
  if (!image.success) return null;
  const { media_type: mediaType, data: base64 } = image.data.source;
  return imageFrom({ mediaType, base64 });
}

/**
 * What was said before: an agent that was not there is told of it. Thinking is nobody's business, and what can't be shown
 * is named. A reply's texts are pieces of one text; a user's are texts of their own.
 */
export function toldOf(content: MessageContent, role: "user" | "assistant"): Content {
  if (typeof content === "string") return { text: content, images: [] };
  const images = content.flatMap((block) => imageIn(block) ?? []);
  const texts = content.filter((block) => imageIn(block) === null).flatMap(toldBlock);
  return { text: texts.join(role === "assistant" ? "" : GAP), images };
}

function toldBlock(block: BlockParam): string[] {
  const text = TextSchema.safeParse(block);
  if (text.success) return [text.data.text];
  switch (block.type) {
    case "thinking":
    case "redacted_thinking":
      return [];
    case "tool_use":
    case "server_tool_use": {
      const use = ToolUseSchema.safeParse(block);
      return use.success ? [`\n[used the tool ${use.data.name}: ${JSON.stringify(use.data.input)}]\n`] : [];
    }
    case "tool_result": {
      const result = ToolResultSchema.safeParse(block);
      const content = result.success ? result.data.content : null;
      return [`[the tool's result: ${typeof content === "string" ? content : JSON.stringify(content)}]`];
    }
    default:
      return [`[${block.type}]`];
  }
}
