/** What was said up to a response, for an agent that did not hear it. */
import { KartaError } from "../../../../shared/errors.ts";
import type { OutputItem } from "../../../../shared/protocol/adapters/responses-object.ts";
import type { EarlierMessage } from "../preface.ts";
import type { PastItem } from "./input.ts";
import { responseOfItem } from "./ids.ts";
import { inputOf, readResponse, type ResponseSources, type StoredResponse } from "./stored-response.ts";

/** The newest that are told: more would not fit into what a model reads at once. */
const MOST_RESPONSES = 200;
const MOST_CHARACTERS = 400_000;

export interface ResponseReader extends ResponseSources {
  /** A stored response that the caller may see. */
  readonly find: (id: string) => Promise<StoredResponse | null>;
}

/** Oldest first, the response's own answer last. It begins after what was deleted or is no longer kept. */
export async function historyOf(newest: StoredResponse, reader: ResponseReader): Promise<EarlierMessage[]> {
  const told: EarlierMessage[] = [];
  let characters = 0;
  let next: StoredResponse | null = newest;
  for (let count = 0; next !== null && count < MOST_RESPONSES; count += 1) {
    const row: StoredResponse = next;
    const output = await outputOf(row, reader);
    if (output === null) break;
    const { brought, text } = inputOf(row);
    const exchange: EarlierMessage[] = [
      { role: "assistant", text: textOf(output) },
      { role: "user", text },
      ...brought.toReversed(),
    ];
    characters += exchange.reduce((sum, { text }) => sum + text.length, 0);
    if (count > 0 && characters > MOST_CHARACTERS) break;
    told.push(...exchange.filter(({ text }) => text !== ""));
    next = row.parent_id === null ? null : await reader.find(row.parent_id);
  }
  return told.reverse();
}

/** What the request says was said before, its references looked up. @throws KartaError `invalid_request` */
export async function earlierOf(
  past: readonly PastItem[],
  reader: ResponseReader,
): Promise<EarlierMessage[]> {
  const earlier: EarlierMessage[] = [];
  for (const item of past) {
    if (item.kind === "said") earlier.push({ role: item.role, text: item.text });
    else earlier.push(...(await referred(item.id, reader)));
  }
  return earlier;
}

async function referred(id: string, reader: ResponseReader): Promise<EarlierMessage[]> {
  const responseId = responseOfItem(id);
  const row = responseId === null ? null : await reader.find(responseId);
  const output = row === null ? null : await outputOf(row, reader);
  if (row === null || output === null) throw noSuchItem(id);
  const item = output.find((one) => one.id === id);
  if (item !== undefined) return item.type === "message" ? [{ role: "assistant", text: textOf([item]) }] : [];
  if (inputOf(row).items.some((one) => one.id === id)) return [{ role: "user", text: inputOf(row).text }];
  throw noSuchItem(id);
}

/** Null: its events are no longer kept. */
async function outputOf(row: StoredResponse, reader: ResponseReader): Promise<readonly OutputItem[] | null> {
  try {
    return (await readResponse(row, reader)).response().output;
  } catch (error) {
    if (error instanceof KartaError && (error.code === "not_found" || error.code === "cursor_expired"))
      return null;
    throw error;
  }
}

function textOf(output: readonly OutputItem[]): string {
  return output
    .flatMap((item) => (item.type === "message" ? item.content.map(({ text }) => text) : []))
    .join("");
}

function noSuchItem(id: string): KartaError {
  const message = `Item with id '${id}' not found.`;
  return new KartaError("invalid_request", message, { issues: [{ path: "input", message }] });
}
