/** Images as requests of other APIs bring them: in the request itself, since kartad fetches nothing that a client names. */
import { z } from "zod";
import type { TurnImage } from "../../sessions/accept-message.ts";

/** A type of image and its data, wherever an API has them. */
const ImageSchema = z.object({
  mediaType: z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]),
  base64: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/),
});

/** Null: no image of a type that agents take, or no base64. */
export function imageFrom(given: {
  readonly mediaType: unknown;
  readonly base64: unknown;
}): TurnImage | null {
  return ImageSchema.safeParse(given).data ?? null;
}

/** `data:image/png;base64,…`. Null for anything else. */
export function imageInDataUrl(url: string): TurnImage | null {
  const [, mediaType, base64] = /^data:([^;,]*);base64,([^]*)$/.exec(url) ?? [];
  return imageFrom({ mediaType, base64 });
}
