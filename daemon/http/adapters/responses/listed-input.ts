/** A request's `input` as `GET /responses/{id}/input_items` lists it. */
import { z } from "zod";
import { KartaError } from "../../../../shared/errors.ts";
import type {
  CreateResponse,
  InputItemPage,
  InputItemsQuery,
} from "../../../../shared/protocol/adapters/responses.ts";
import type { InputItem } from "../../../../shared/protocol/adapters/responses-object.ts";
import { inputItemId } from "./ids.ts";

const PartSchema = z.looseObject({ type: z.string(), text: z.string().optional() });
const MessageSchema = z.looseObject({
  type: z.literal("message").nullish(),
  role: z.string(),
  content: z.union([z.string(), z.array(PartSchema)]),
});
const OtherSchema = z.looseObject({ type: z.string(), id: z.string().nullish() });

/** Oldest first. A picture's data is left out: it would be kept twice, in the harness's conversation and here. */
export function listedInput(input: CreateResponse["input"], responseId: string): InputItem[] {
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input;
  return items.flatMap((given, index): InputItem[] => {
    const id = inputItemId(responseId, index);
    const message = MessageSchema.safeParse(given).data;
    if (message !== undefined) {
      const { role, content } = message;
      const kind = role === "assistant" ? "output_text" : "input_text";
      const parts = typeof content === "string" ? [{ type: kind, text: content }] : content.map(listedPart);
      return [{ id, type: "message", status: "completed", role, content: parts }];
    }
    const other = OtherSchema.safeParse(given).data;
    return other === undefined ? [] : [{ id: other.id ?? id, type: other.type }];
  });
}

function listedPart({ type, text }: z.infer<typeof PartSchema>): object {
  if (type === "input_image") return { type, detail: "auto", file_id: null, image_url: null };
  return type === "output_text" ? { type, text, annotations: [], logprobs: [] } : { type, text };
}

const DEFAULT_PAGE = 20;

/**
 * @param items in the order they are to be listed in
 * @throws KartaError `not_found` for an `after` that is none of them
 */
export function pageOf(
  items: readonly InputItem[],
  { after, limit = DEFAULT_PAGE }: InputItemsQuery,
): InputItemPage {
  const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0)
    throw new KartaError("not_found", `Item with id '${after}' not found.`, { fields: { param: "after" } });
  const data = items.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < items.length,
  };
}
