/** What one message says: its text, and the images that come with it. */
import { z } from "zod";
import type { ChatMessage } from "../../../../shared/protocol/adapters/openai-chat.ts";
import { invalidField } from "../../invalid-field.ts";
import type { TurnImage } from "../../../sessions/accept-message.ts";
import { imageInDataUrl } from "../image.ts";
import type { Content } from "../told.ts";

const TextSchema = z.object({ type: z.literal("text"), text: z.string() });
const RefusalSchema = z.object({ type: z.literal("refusal"), refusal: z.string() });
const ImageSchema = z.object({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) });
const PartSchema = z.discriminatedUnion("type", [TextSchema, RefusalSchema, ImageSchema], {
  error: "expected a part of type text, image_url or refusal",
});
const CallSchema = z.object({ function: z.object({ name: z.string(), arguments: z.string() }) });

/**
 * Calls of tools that another service's answer asked for are told in words: this agent cannot have made them.
 * @param place the message's path in the request
 * @throws KartaError `invalid_request` for a part that no agent is given
 */
export function contentOf({ role, content, tool_calls }: ChatMessage, place: string): Content {
  const texts: string[] = [];
  const images: TurnImage[] = [];
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
  parts.forEach((given, index) => {
    const path = `${place}.content.${index}`;
    const { data: part, error } = PartSchema.safeParse(given);
    if (part === undefined) throw invalidField(path, error.issues[0]?.message ?? "expected a part");
    switch (part.type) {
      case "text":
        texts.push(part.text);
        return;
      case "refusal":
        texts.push(part.refusal);
        return;
      case "image_url":
        images.push(imageOf(part.image_url.url, `${path}.image_url`));
        return;
    }
  });
  const calls = (tool_calls ?? []).flatMap((call) => {
    const { data } = CallSchema.safeParse(call);
    return data === undefined ? [] : [`[called ${data.function.name} with ${data.function.arguments}]`];
  });
  // An answer's parts are one text, cut; a user's are texts of their own.
  const text = texts.join(role === "assistant" ? "" : "\n");
  return { text: [text, ...calls].filter((text) => text !== "").join("\n"), images };
}

/** An image that stands elsewhere is not fetched: kartad makes no request that a client chose the address of. */
function imageOf(url: string, path: string): TurnImage {
  const image = imageInDataUrl(url);
  if (image !== null) return image;
  const found = /^https?:/i.test(url) ? "a web address, which kartad does not fetch" : "something else";
  throw invalidField(
    path,
    `expected a data URL of a PNG, JPEG, GIF or WebP image (data:image/png;base64,…), found ${found}`,
  );
}
