/** What a request's `input` says: the new message, what the agent is told with it, and the conversation before it. */
import { z } from "zod";
import { LIMITS } from "../../../../shared/protocol/limits.ts";
import type { CreateResponse } from "../../../../shared/protocol/adapters/responses.ts";
import type { TurnImage } from "../../../sessions/accept-message.ts";
import { invalidField } from "../../invalid-field.ts";
import { imageInDataUrl } from "../image.ts";

/** Something that was said before, as the request tells it. */
export type PastItem =
  | {
      readonly kind: "said";
      readonly role: "user" | "assistant";
      readonly text: string;
      /** As the client has it; null where it has none. */
      readonly id: string | null;
    }
  /** An item of a response that is stored here. */
  | { readonly kind: "reference"; readonly id: string };

export interface GivenInput {
  /** The user's newest messages, as one. Empty only where there are images. */
  readonly text: string;
  readonly images: readonly TurnImage[];
  /** What `system` and `developer` messages say, in order. */
  readonly developer: readonly string[];
  readonly past: readonly PastItem[];
}

const ItemSchema = z.looseObject({ type: z.string({ error: "expected a string" }).nullish() });
const MessageSchema = z.object({
  id: z.string().nullish().catch(null),
  role: z.enum(["user", "assistant", "system", "developer"], {
    error: "expected user, assistant, system or developer",
  }),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))], {
    error: "expected a string or a list of parts",
  }),
});
const ReferenceSchema = z.object({ id: z.string({ error: "expected an item's id" }) });
const TextPartSchema = z.object({ text: z.string({ error: "expected a string" }) });
const ImagePartSchema = z.object({ image_url: z.string({ error: "expected a data: URL" }) });

interface Said {
  readonly text: string;
  readonly images: readonly TurnImage[];
}

/** @throws KartaError `invalid_request`, naming the place */
export function readInput(input: CreateResponse["input"]): GivenInput {
  if (typeof input === "string") return checked({ text: input, images: [], developer: [], past: [] });
  const developer: string[] = [];
  const past: PastItem[] = [];
  let newest: Said[] = [];
  /** The user's messages were answered: they are the past. */
  const answered = (item: PastItem | null): void => {
    past.push(...newest.map(({ text }): PastItem => ({ kind: "said", role: "user", text, id: null })));
    newest = [];
    if (item !== null) past.push(item);
  };
  input.forEach((given, index) => {
    const place = `input.${index}`;
    switch (parsed(ItemSchema, given, place).type ?? "message") {
      case "message": {
        const { role, content, id } = parsed(MessageSchema, given, place);
        const said = contentOf(content, `${place}.content`);
        if (role === "user") newest.push(said);
        else if (role === "assistant") answered({ kind: "said", role, text: said.text, id: id ?? null });
        else developer.push(said.text);
        return;
      }
      case "item_reference":
        answered({ kind: "reference", id: parsed(ReferenceSchema, given, place).id });
        return;
      default:
        answered(null); // tools and reasoning of an answer given before: its message says what came of them
    }
  });
  return checked({
    text: joinedText(newest.map(({ text }) => text)),
    images: newest.flatMap(({ images }) => images),
    developer,
    past,
  });
}

/** A user's messages in a row, as one. */
export function joinedText(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

function checked(given: GivenInput): GivenInput {
  const { text, images } = given;
  if (text === "" && images.length === 0)
    throw invalidField(
      "input",
      "expected the user's message at the end; the agent runs its tools itself and takes no results",
    );
  if (text.length > LIMITS.textLength)
    throw invalidField("input", `expected at most ${LIMITS.textLength} characters, found ${text.length}`);
  return given;
}

function contentOf(content: z.infer<typeof MessageSchema>["content"], place: string): Said {
  if (typeof content === "string") return { text: content, images: [] };
  const texts: string[] = [];
  const images: TurnImage[] = [];
  content.forEach((part, index) => {
    const at = `${place}.${index}`;
    switch (part.type) {
      case "input_text":
      case "output_text":
      case "text":
        texts.push(parsed(TextPartSchema, part, at).text);
        return;
      case "refusal":
        return;
      case "input_image":
        images.push(imageOf(parsed(ImagePartSchema, part, at).image_url, `${at}.image_url`));
        return;
      default:
        throw invalidField(`${at}.type`, `expected input_text or input_image, found ${part.type}`);
    }
  });
  return { text: texts.join("\n"), images };
}

function imageOf(url: string, place: string): TurnImage {
  const image = imageInDataUrl(url);
  if (image !== null) return image;
  throw invalidField(
    place,
    "expected data:image/png (or jpeg, gif, webp) in base64: kartad fetches nothing itself",
  );
}

function parsed<S extends z.ZodType>(schema: S, value: unknown, place: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [place, ...(issue?.path ?? [])].map(String).join(".");
  throw invalidField(path, issue?.message ?? "is not valid");
}
